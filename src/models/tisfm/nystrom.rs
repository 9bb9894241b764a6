//! The Nystrom blocks: activities compared with learned archetypes, whitened.

use super::build::{Builder, Features};
use super::spec::{Block, Start};
use crate::Result;
use crate::engine::{Init, Real, Var};
use crate::numbers::{counted, is_or_are};
use crate::ops::inverse_sqrt_gram::inverse_sqrt_gram;
use crate::ops::product_matrix::product_matrix;
use crate::ops::shared_conv::shared_conv;

impl<T: Real> Builder<'_, T> {
    pub(super) fn nystrom(&mut self, x: Var, name: &str, archetypes: usize) -> Var {
        let shape = self.tape.shape(x).to_vec();
        let length = shape.last().copied().unwrap_or(1);
        let rows = self.tape.len(x) / length;
        let bound = (3.0 / length as f64).sqrt();
        let a = self.param(
            &format!("{name}.archetype"),
            &[archetypes, length],
            Init::Uniform(bound),
        );
        let x = self.tape.view(x, &[rows, length]);
        let products = product_matrix(self.tape, x, a, true);
        let whitening = inverse_sqrt_gram(self.tape, a);
        let out = product_matrix(self.tape, products, whitening, false);
        if shape.len() == 1 {
            self.features = Features::Other("the archetypes' features are not one a motif");
            return self.tape.view(out, &[archetypes]);
        }
        self.features = self.each_motif(archetypes);
        out
    }

    /// So many features for each of the motifs that reached the block.
    fn each_motif(&self, windows: usize) -> Features {
        match &self.features {
            Features::Motifs => Features::MotifWindows {
                strands: 1,
                windows,
            },
            Features::MotifWindows { strands, .. } => Features::MotifWindows {
                strands: *strands,
                windows,
            },
            other => other.clone(),
        }
    }

    pub(super) fn nystrom_convolution(
        &mut self,
        block: &Block,
        x: Var,
        name: &str,
        archetypes: usize,
        width: usize,
    ) -> Result<Var> {
        let (_, length) = self.channels_and_positions(block, x)?;
        if length < width {
            return Err(self.error(
                block,
                format!(
                    "{} {} fewer than its width {width}",
                    counted(length, "position"),
                    is_or_are(length)
                ),
            ));
        }
        let start = Start::Plain.init(width);
        let weight = self.param(
            &format!("{name}.conv_1d.weight"),
            &[archetypes, 1, width],
            start.clone(),
        );
        let bias = self.param(&format!("{name}.conv_1d.bias"), &[archetypes], start);
        // (W W^T)^(-1/2) applied to the convolution's result equals a convolution with kernels
        // and biases multiplied by it, which is less work.
        let kernels = self.tape.view(weight, &[archetypes, width]);
        let whitening = inverse_sqrt_gram(self.tape, kernels);
        let white = product_matrix(self.tape, whitening, kernels, false);
        let column = self.tape.view(bias, &[archetypes, 1]);
        let white_bias = product_matrix(self.tape, whitening, column, false);
        self.features = self.each_motif(archetypes);
        Ok(shared_conv(self.tape, x, white, white_bias, width))
    }
}
