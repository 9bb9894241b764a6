//! A case on a GPU, against the CPU in f64.

use super::case::{
    Case, InBf16, Input, Outcome, batch, outcome, output_rows, record, run_recorded,
};
use crate::engine::cuda::{DeviceExecutor, DeviceProgram, Gpu, Precision};
use std::sync::Arc;

/// How a case runs on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Alone,
    /// Every gradient begins with another one.
    AddedToAnother,
    /// With the gradients of the inputs of even, and of odd, numbers alone.
    EvenInputs,
    OddInputs,
}

/// The largest error of a case that holds, relative to the largest number.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    pub error: f64,
    pub allowed: f64,
}

/// What rounding the factors of a product to bf16 may cost: each factor is off by up to 2^-9 of itself, a term by up
/// to 2^-8, and the sum of terms of both signs, relative to the largest result, by some of that.
pub const BF16: f64 = 1.0 / 128.0;

/// And where a slope jumps, over all numbers: a number before a jump is off by some 2^-9 of their spread, so about one in 600 lies
/// near enough to be sent over, and is off by as much as it is (behind a maximum, two are). The root of that share is 4 to 6 %
/// of the whole; twice that for the sake of cases with few numbers.
pub const BF16_OVER_JUMPS: f64 = 1.0 / 8.0;

/// The same where bf16 asks for one product in TF32, whose factors have three bits more: an eighth of the numbers are sent over, and
/// the root of that is a third.
pub const TF32_OVER_JUMPS: f64 = BF16_OVER_JUMPS / 3.0;

impl Case {
    /// The error that a GPU is allowed, and how it is measured.
    fn bound_on_gpu(&self, precision: Precision) -> InBf16 {
        match (precision, self.tolerance_bf16) {
            (Precision::Bf16, Some(bound)) => bound,
            _ => InBf16::OfLargest(self.tolerance_f32),
        }
    }

    /// Runs the case on a GPU, forward and backward, against the CPU in f64: as it is, and in f32 once more with
    /// gradients that are there already, and with the gradients of every other input alone. The largest error.
    ///
    /// # Errors
    /// The first number that is off by more than is allowed, or what failed on the GPU.
    pub fn check_on(&self, gpu: &Arc<Gpu>, precision: Precision) -> Result<Worst, String> {
        let name = format!("{} {}", self.op, self.label);
        let (inputs, codes) = self.numbers();
        let bound = self.bound_on_gpu(precision);
        let allowed = bound.allowed();
        let mut worst = 0.0f64;
        for pass in self.passes(precision) {
            let asked = self.asked(pass);
            let twice = pass == Pass::AddedToAnother;
            let recorded = record(self, &asked, &self.in_f64, &inputs, twice);
            let truth = run_recorded(self, &asked, recorded, &inputs, &codes, self.rows);
            let found = run_on(gpu, self, &asked, &inputs, &codes, twice, precision)
                .map_err(|e| format!("{name}: {pass:?}: {e}"))?;
            let mut compare = |what: String, a: &[f64], b: &[f64]| {
                let error = bound.distance(a, b);
                worst = worst.max(error);
                if error <= allowed {
                    Ok(())
                } else {
                    Err(format!(
                        "{name}: CUDA {precision:?} against f64, {pass:?}, {what}: error {error:.3e}, allowed {allowed:.1e}"
                    ))
                }
            };
            compare("output".to_string(), &found.output, &truth.output)?;
            let both = found.gradients.iter().zip(&truth.gradients);
            for (i, (ours, theirs)) in both.enumerate() {
                compare(format!("gradient {i}"), ours, theirs)?;
            }
        }
        Ok(Worst {
            error: worst,
            allowed,
        })
    }

    /// That a program planned for so many rows has room for any fewer, as the last batch of an epoch has.
    ///
    /// # Errors
    /// The number of rows that needs more.
    pub fn fewer_rows_fit(&self, most: usize) -> Result<(), String> {
        let (inputs, _) = self.numbers();
        let recorded = record(self, &self.inputs, &self.in_f32, &inputs, false);
        let (output, loss) = (recorded.output, Some(recorded.loss));
        let program = DeviceProgram::new(recorded.tape, output, loss, most);
        let check =
            program.and_then(|program| (1..=most).try_for_each(|rows| program.check_rows(rows)));
        check.map_err(|e| format!("{} {}: {e}", self.op, self.label))
    }

    fn passes(&self, precision: Precision) -> Vec<Pass> {
        // What is added to may cancel what bf16 has rounded, so that its error has no bound.
        if precision == Precision::Bf16 {
            return vec![Pass::Alone];
        }
        let mut passes = vec![Pass::Alone, Pass::AddedToAnother];
        let gradients = self.inputs.iter().filter(|i| i.differentiable).count();
        // A large batch shows nothing here that a small one does not.
        if gradients > 1 && self.rows < 100 {
            passes.extend([Pass::EvenInputs, Pass::OddInputs]);
        }
        passes
    }

    /// The inputs, those frozen whose gradients a pass does not ask for.
    fn asked(&self, pass: Pass) -> Vec<Input> {
        let keeps = |index: usize| match pass {
            Pass::Alone | Pass::AddedToAnother => true,
            Pass::EvenInputs => index.is_multiple_of(2),
            Pass::OddInputs => !index.is_multiple_of(2),
        };
        let given = self.inputs.iter().cloned().enumerate();
        given
            .map(|(index, input)| if keeps(index) { input } else { input.frozen() })
            .collect()
    }
}

/// Runs the case on a GPU, the whole batch at once.
fn run_on(
    gpu: &Arc<Gpu>,
    case: &Case,
    asked: &[Input],
    inputs: &[Vec<f64>],
    codes: &[u8],
    twice: bool,
    precision: Precision,
) -> crate::Result<Outcome> {
    let recorded = record(case, asked, &case.in_f32, inputs, twice);
    let output_rows = output_rows(case, &recorded);
    // Most cases run fewer rows than were planned for, as an epoch's last batch does.
    let planned = case.rows + case.rows % 3;
    let program = DeviceProgram::new(recorded.tape, recorded.output, Some(recorded.loss), planned)?;
    let mut executor = DeviceExecutor::new(gpu, program, case.codes, &recorded.params, precision)?;
    let mut grads = vec![0.0; recorded.params.len()];
    let batch = batch(case, &recorded.dense, codes);
    let run = executor.inspect(&batch, &mut grads, &recorded.watched)?;
    Ok(outcome(
        asked,
        inputs,
        run,
        &grads,
        output_rows * recorded.width,
        true,
    ))
}
