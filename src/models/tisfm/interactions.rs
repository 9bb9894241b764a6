//! Which motif opens or closes the gate of which other one.

use super::activities::{Activities, Table};
use super::motif_ranks::FinalLayer;
use super::network::Network;
use super::saved::SavedModel;
use crate::{Error, Result};

/// A pair of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    pub layer: String,
    /// The feature whose gate it is.
    pub gated: usize,
    /// The feature that opens it (above 0) or closes it.
    pub by: usize,
    pub weight: f64,
    /// The weight times the standard deviation of the second feature's activity before the gate: by how much the gate's logit moves with it.
    pub effect: f64,
}

/// Of all gates, those with the largest effects first, `top` at most. Of several models of one architecture the mean; `found`: what each
/// computes of its sequences.
///
/// # Errors
/// A model without such a gate.
pub fn interactions(
    models: &[SavedModel],
    layer: &FinalLayer,
    found: &[Activities],
    top: usize,
) -> Result<Vec<Interaction>> {
    let first = found.first().map_or(&[][..], |found| &found.gates[..]);
    let columns: Vec<usize> = layer.features.iter().map(|f| f.column).collect();
    let widest = columns.iter().max().map_or(0, |most| most + 1);
    let mut all = Vec::new();
    for (place, (name, table)) in first.iter().enumerate() {
        if table.columns < widest {
            continue;
        }
        let each = models.iter().zip(found).map(|(model, found)| {
            let (_, table) = &found.gates[place];
            Ok((weights(model, name)?, table.deviations()))
        });
        let each = each.collect::<Result<Vec<Read>>>()?;
        let count = each.len() as f64;
        for (gated, &j) in columns.iter().enumerate() {
            for (by, &i) in columns.iter().enumerate() {
                let mean = |of: &dyn Fn(&Read) -> f64| each.iter().map(of).sum::<f64>() / count;
                all.push(Interaction {
                    layer: name.clone(),
                    gated,
                    by,
                    weight: mean(&|(weights, _)| weights.row(j)[i]),
                    effect: mean(&|(weights, deviations)| weights.row(j)[i] * deviations[i]),
                });
            }
        }
    }
    if all.is_empty() {
        let name = models
            .first()
            .map_or("", |model| &model.config.model.architecture.name);
        return Err(Error::invalid(format!(
            "{name} has no gate between motifs; expected an architecture with one, as model_pos_calib_sigmoid_interaction or plain_gate"
        )));
    }
    all.sort_by(|a, b| {
        let larger = b.effect.abs().total_cmp(&a.effect.abs());
        larger.then((a.gated, a.by).cmp(&(b.gated, b.by)))
    });
    all.truncate(top);
    Ok(all)
}

/// A gate's weights, and the deviations of what it reads.
type Read = (Table, Vec<f64>);

/// A gate's weights, opened x opening.
///
/// # Errors
/// Weights that are not the architecture's.
fn weights(model: &SavedModel, layer: &str) -> Result<Table> {
    let blueprint = model.config.model.blueprint();
    let network = Network::<f64>::from_state_dict(blueprint, &model.weights, &model.file)?;
    let param = network.layout.get(&format!("{layer}.weight"));
    let param = param.ok_or_else(|| Error::invalid(format!("no parameter {layer}.weight")))?;
    Ok(Table {
        columns: param.shape.last().copied().unwrap_or(1),
        values: network.params[param.range()].to_vec(),
    })
}
