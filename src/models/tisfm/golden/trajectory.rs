//! Optimizer cases: losses, learning rates and parameters over many steps.

use super::case::{Case, OptimizerCase};
use crate::Result;
use crate::check::golden::{Check, norm, relative};
use crate::engine::{Batch, CpuExecutor, Noise};
use crate::io::state_dict::read;
use crate::models::tisfm::network::{Blueprint, Trainable};
use crate::optim::{Optimizer, OptimizerSettings, Plateau, Shrink};
use crate::train::folder::weights::load;
use crate::train::model::{Model, Purpose};

const TOLERANCE: f64 = 1e-9;
/// The MCP's b of the original's run.
const MCP_B: f64 = 3.0;
/// Patience of the schedule where a case does not say: its learning rates show it.
const PATIENCE: u32 = 3;
/// A gradient below this share of the whole is rounding noise (see [`super::case`]).
const NOISE: f64 = 1e-14;
/// Adam's epsilon: noise g moves a weight by up to lr g / epsilon a step.
const EPSILON: f64 = 1e-8;

pub fn check(case: &Case) -> Result<Vec<Check>> {
    let Some(optimizer) = &case.file.optimizer else {
        return Ok(Vec::new());
    };
    let blueprint = Blueprint {
        trainable: if case.training {
            Trainable::All
        } else {
            Trainable::AllButMotifs
        },
        ..case.blueprint.clone()
    };
    let rows = case.data.len();
    let mut executor = CpuExecutor::new(blueprint.program::<f64>(Purpose::Train, rows)?);
    let layout = executor.layout().clone();
    let mut params: Vec<f64> = load(&layout, &case.params, &case.folder)?;
    let mut state = Optimizer::new(settings(optimizer), params.len());
    let mut plateau = Plateau::new(optimizer.lr, optimizer.patience.unwrap_or(PATIENCE));
    let mut grads = vec![0.0; params.len()];
    let (mut losses, mut rates) = (Vec::new(), Vec::new());
    let mut checks = Vec::new();
    let mut add = |what: &str, ours: &[f64], theirs: &[f64], drift: f64| {
        checks.push(Check {
            what: format!("{} {what}", optimizer.name),
            error: relative(ours, theirs, 1e-12),
            allowed: TOLERANCE + drift / norm(theirs).max(1e-12),
        });
    };
    // By parameter: its largest share of the whole gradient, and how far Adam may have carried
    // the original's if that was noise, as its first gradient shows. Only a gradient that is zero
    // in theory gets that allowance.
    let noise: Vec<f64> = layout
        .params
        .iter()
        .map(|p| case.expected.get(&format!("grad.{}", p.name)))
        .map(|found| found.map_or(0.0, |t| norm(&t.values.to_f64())))
        .collect();
    let mut shares = vec![0.0f64; layout.params.len()];
    let mut drifts = vec![0.0; layout.params.len()];
    let (length, outputs) = (case.data.length, case.data.outputs.len());
    for step in 0..optimizer.loss_per_step.len() {
        // The training case alternates batches of 4 and of all rows.
        let rows = if case.training && step % 3 == 0 {
            4.min(rows)
        } else {
            rows
        };
        let batch = Batch {
            rows,
            codes: &case.data.codes[..rows * length],
            dense: vec![&case.data.signals[..rows * outputs]],
            noise: Noise::default(),
        };
        let mut row_losses = vec![0.0; rows];
        executor.gradients(&mut params, &batch, &mut row_losses, &mut grads);
        let loss = row_losses.iter().sum::<f64>() / rows as f64;
        losses.push(loss);
        let whole = norm(&grads);
        for (i, param) in layout.params.iter().enumerate() {
            let own = norm(&grads[param.range()]);
            shares[i] = shares[i].max(own.max(noise[i]) / whole);
            drifts[i] += 2.0 * plateau.lr * noise[i] / EPSILON;
        }
        rates.push(plateau.lr);
        state.step(&layout, plateau.lr, &mut params, &grads);
        plateau.observe(loss);
    }
    add("losses", &losses, &optimizer.loss_per_step, 0.0);
    if let Some(theirs) = &optimizer.lr_per_step {
        add("learning rates", &rates, theirs, 0.0);
    }
    let after = read(case.folder.join("params_after.safetensors"))?;
    for (i, param) in layout.params.iter().enumerate() {
        if let Some(theirs) = after.get(&param.name) {
            let drift = if shares[i] < NOISE { drifts[i] } else { 0.0 };
            let what = format!("{} after", param.name);
            add(
                &what,
                &params[param.range()],
                &theirs.values.to_f64(),
                drift,
            );
        }
    }
    Ok(checks)
}

fn settings(optimizer: &OptimizerCase) -> OptimizerSettings {
    let lambda = optimizer.lambda.unwrap_or(0.0);
    let shrink = match optimizer.name.as_str() {
        "l1" => Shrink::L1 { lambda },
        "mcp" => Shrink::Mcp { lambda, b: MCP_B },
        _ => Shrink::None,
    };
    OptimizerSettings::adamw(shrink, vec!["linreg.weight".to_string()])
}
