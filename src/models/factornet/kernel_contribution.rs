//! What each kernel contributes to the predictions.

use super::Spec;
use crate::engine::Device;
use crate::train::batch::Source;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::model::Model;
use crate::train::predictor::Predictor;
use crate::{Error, Result};

/// Windows times kernels of a layer at most: what this may cost.
const PASSES: usize = 8192;
/// Windows at least.
const WINDOWS: usize = 64;

/// Of each kernel of the convolution, and of the layer of each position.
pub struct Contributions {
    pub convolution: Vec<f64>,
    pub positionwise: Vec<f64>,
}

/// How much the predictions change when a kernel is silent: the mean of |p - p without it| over windows and factors, p being a
/// probability. A silent kernel is one whose bias is so low that it never fires. Over all windows where they are few, else over every
/// n-th.
///
/// # Errors
/// Those of [`Predictor`].
pub fn contributions<T: Number, S: Source>(
    device: &Device,
    precision: Precision,
    spec: &Spec,
    params: &[T],
    windows: &[S::Sample],
    batch_size: usize,
    source: &S,
) -> Result<Contributions>
where
    S::Sample: Copy,
{
    let most = (PASSES / spec.kernels.max(1)).max(WINDOWS);
    let every = windows.len().div_ceil(most).max(1);
    let windows: Vec<S::Sample> = windows.iter().step_by(every).copied().collect();
    let mut predictor = Predictor::new(
        device,
        precision,
        spec,
        params.to_vec(),
        source,
        batch_size,
        windows.len(),
    )?;
    let whole = predictor.predict(&windows, |_| {})?;
    let mut of_layer = |bias: &str| -> Result<Vec<f64>> {
        let layout = spec.layout()?;
        let place = layout.get(bias).map(|parameter| parameter.range());
        let place = place.ok_or_else(|| Error::invalid(format!("no parameter {bias}")))?;
        let mut found = Vec::with_capacity(spec.kernels);
        for kernel in 0..spec.kernels {
            let mut params = params.to_vec();
            params[place.start + kernel] = T::of(-1e30);
            predictor.load(params)?;
            let without = predictor.predict(&windows, |_| {})?;
            let changes = whole.iter().zip(&without);
            let sum: f64 = changes.map(|(a, b)| (a.f64() - b.f64()).abs()).sum();
            found.push(sum / whole.len().max(1) as f64);
        }
        Ok(found)
    };
    Ok(Contributions {
        convolution: of_layer("convolution1d_1_b")?,
        positionwise: of_layer("dense_1_b")?,
    })
}
