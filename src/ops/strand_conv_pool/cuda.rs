//! The general form on a GPU: the convolution's kernels with dropout behind its ReLU, the layer as a product, the maxima.

use super::StrandConvPool;
use crate::Result;
use crate::engine::cuda::kernels::{
    StrandConvPoolLayerBackward, StrandConvPoolLayerBackwardWide, StrandConvPoolMaximum,
    StrandConvPoolSpread,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Out};
use crate::engine::params::STREAM_DROPOUT;
use crate::ops::dropout::threshold;
use crate::ops::linear::{BiasSum, Product, WeightProduct, sum_parts};
use crate::ops::shared::elementwise::Elements;
use crate::ops::strand_conv::{Drop, Sizes, WeightGradient, order_table};

/// Lines of a block of the layer's gradients at once, and such blocks that fill any card.
const LAYER_LINES: usize = 64;
const LAYER_BLOCKS: usize = 396;

impl StrandConvPool {
    /// Blocks that make the layer's gradients at once, if there is a form for so many kernels: each gives a part of the sums.
    fn layer_parts(&self, rows: usize) -> Option<usize> {
        let tiles = self.layer_tiles(rows)?;
        Some(tiles.div_ceil(tiles.div_ceil(LAYER_BLOCKS)))
    }

    fn layer_tiles(&self, rows: usize) -> Option<usize> {
        let fits = matches!(self.kernels, 32 | 64 | 128);
        fits.then(|| 2 * rows * self.positions().div_ceil(LAYER_LINES))
    }

    /// Bytes of shared memory of such a block.
    fn layer_shared(&self) -> usize {
        2 * LAYER_LINES * (self.kernels + 8) * size_of::<f32>()
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            length: self.length,
            width: self.width,
            channels: 4 + self.order.len(),
            kernels: self.kernels,
        }
    }

    /// Elements of h of all rows, to where the next begins.
    fn hidden(&self, rows: usize) -> usize {
        (rows * self.activations()).next_multiple_of(16)
    }

    /// Elements that parts of the layer's sums take.
    fn layer_sums(&self, rows: usize) -> usize {
        Product::needs(self.sizes().lines(rows), self.kernels, self.kernels)
    }

    /// Elements that sums in parts take, one after the other, of these rows or of fewer.
    fn sums(&self, rows: usize) -> usize {
        let (lines, kernels) = (self.sizes().lines(rows), self.kernels);
        let of_layer = WeightProduct::needs(lines, kernels, kernels);
        let most = self.layer_tiles(rows).unwrap_or(0).min(LAYER_BLOCKS);
        let at_once = most * (kernels + 1) * kernels;
        let sums = [
            self.sizes().sums(rows),
            at_once,
            of_layer,
            BiasSum::needs(lines, kernels),
            self.layer_sums(rows),
        ];
        sums.into_iter().max().unwrap_or(0)
    }

    /// Dropout's 1 / (1 - p).
    fn scale(&self) -> f32 {
        (1.0 / (1.0 - self.dropout.0)) as f32
    }
}

impl DeviceOp for StrandConvPool {
    /// h and the places of the maxima are kept; without a backward run h is scratch, as the layer's output is.
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let (hidden, places) = (self.hidden(rows), rows * self.outputs());
        match wanted.contains(&true) {
            true => Needs {
                saved: hidden + places,
                scratch_forward: hidden + self.layer_sums(rows),
                scratch_backward: 2 * hidden + self.sums(rows),
            },
            false => Needs {
                saved: 0,
                scratch_forward: 2 * hidden + self.layer_sums(rows),
                scratch_backward: 0,
            },
        }
    }

    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let layer = 2.0 * (rows * self.activations() * self.kernels) as f64;
        let forward = self.sizes().flops(rows) + layer;
        Flops::product(forward, [wanted[0], wanted[2]])
    }

    /// The kernels take V itself.
    fn rereads_input(&self, index: usize) -> Option<bool> {
        Some(index == 2 || index == 4)
    }

    fn table(&self, _inputs: &[Option<&[f32]>]) -> Vec<u32> {
        order_table(&self.order)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (around, rows, hidden) = (&io.around, io.rows, self.hidden(io.rows));
        let train = io.wanted.contains(&true);
        let (h, u) = match train {
            true => (io.saved, io.scratch),
            false => (io.scratch.at(hidden), io.scratch),
        };
        let sums = io.scratch.at(if train { hidden } else { 2 * hidden });
        let (p, site) = self.dropout;
        let drop = Drop {
            state: if p > 0.0 { around.state } else { In::NULL },
            stream: STREAM_DROPOUT + (site << 32),
            threshold: threshold(p),
            scale: self.scale(),
        };
        let parameters = [0, 1].map(|i| io.inputs[i].data);
        self.sizes()
            .forward(around, rows, parameters, io.inputs.get(4), h, drop)?;
        let lines = self.sizes().lines(rows);
        let layer = Product {
            lines,
            depth: self.kernels,
            columns: self.kernels,
            a: h.input(),
            weight: io.inputs[2].data,
            transposed: false,
            bias: io.inputs[3].data,
            y: u,
            add: false,
        };
        layer.launch(around, sums)?;
        let over = Elements::new(2 * rows, self.windows() * self.kernels);
        around.gpu.launch(
            over.grid,
            StrandConvPoolMaximum {
                u: u.input(),
                y: io.output,
                first: match train {
                    true => io.saved.at(hidden).cast(),
                    false => Out::NULL,
                },
                positions: self.positions() as u32,
                kernels: self.kernels as u32,
                windows: self.windows() as u32,
                pool: self.pool as u32,
                chunks: over.chunks,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (around, rows) = (&io.around, io.rows);
        let hidden = self.hidden(rows);
        let (h, du, dh) = (io.saved.input(), io.scratch, io.scratch.at(hidden));
        let sums = io.scratch.at(2 * hidden);
        let gradient = |index: usize| io.grads[index].map_or(Out::NULL, |g| g.data);
        let more = io.grads[0].is_some() || io.grads[1].is_some();
        match self.layer_parts(rows) {
            Some(parts) => {
                let dh = if more { dh } else { Out::NULL };
                self.layer_backward(io, parts, dh, sums)?;
            }
            None => self.layer_backward_in_turn(io, more, [du, dh, sums])?,
        }
        if !more {
            return Ok(());
        }
        let of = WeightGradient {
            y: h,
            dy: dh.input(),
            scale: self.scale(),
            sums,
            dw: gradient(0),
            db: gradient(1),
        };
        self.sizes()
            .backward_weight(around, rows, io.inputs.get(4), of)
    }
}

impl StrandConvPool {
    /// The layer's gradients, and dh where it is not null, in one launch.
    fn layer_backward(
        &self,
        io: &DeviceBackward<'_>,
        parts: usize,
        dh: Out<f32>,
        sums: Out<f32>,
    ) -> Result<()> {
        let (around, rows, kernels) = (&io.around, io.rows, self.kernels);
        let of_bias = sums.at(parts * kernels * kernels);
        let (grid, shared) = (Grid::new(parts, 1, 1), self.layer_shared());
        let (h, v, y, dy) = (
            io.saved.input(),
            io.inputs[2].data,
            io.output,
            io.grad_output,
        );
        let first = io.saved.at(self.hidden(rows)).input().cast();
        let (strands, positions) = (2 * rows as u32, self.positions() as u32);
        let (windows, pool, bf16) = (self.windows() as u32, self.pool as u32, around.bf16());
        if kernels == 128 {
            around.gpu.launch_shared(
                grid,
                shared,
                StrandConvPoolLayerBackwardWide {
                    h,
                    v,
                    first,
                    y,
                    dy,
                    dh,
                    parts: sums,
                    bias_parts: of_bias,
                    strands,
                    positions,
                    windows,
                    pool,
                    bf16,
                },
            )?;
        } else {
            around.gpu.launch_shared(
                grid,
                shared,
                StrandConvPoolLayerBackward {
                    h,
                    v,
                    first,
                    y,
                    dy,
                    dh,
                    parts: sums,
                    bias_parts: of_bias,
                    strands,
                    positions,
                    kernels: kernels as u32,
                    windows,
                    pool,
                    bf16,
                },
            )?;
        }
        for (gradient, from, n) in [
            (io.grads[2], sums, kernels * kernels),
            (io.grads[3], of_bias, kernels),
        ] {
            if let Some(to) = gradient {
                let size = [n, kernels];
                sum_parts(around, from.input(), parts, In::NULL, size, (to.data, true))?;
            }
        }
        Ok(())
    }

    /// The same for any number of kernels, one after the other; dh where `more` asks for it.
    fn layer_backward_in_turn(
        &self,
        io: &DeviceBackward<'_>,
        more: bool,
        [du, dh, sums]: [Out<f32>; 3],
    ) -> Result<()> {
        let (around, gpu, rows) = (&io.around, io.around.gpu, io.rows);
        let (hidden, h) = (self.hidden(rows), io.saved.input());
        let (lines, kernels) = (self.sizes().lines(rows), self.kernels as u32);
        let over = Elements::new(2 * rows, self.positions() * self.kernels);
        gpu.launch(
            over.grid,
            StrandConvPoolSpread {
                first: io.saved.at(hidden).input().cast(),
                y: io.output,
                dy: io.grad_output,
                du,
                positions: self.positions() as u32,
                kernels,
                windows: self.windows() as u32,
                pool: self.pool as u32,
                chunks: over.chunks,
            },
        )?;
        if let Some(dv) = io.grads[2] {
            let product = WeightProduct {
                lines,
                across: self.kernels,
                along: self.kernels,
                a: h,
                b: du.input(),
                dw: dv.data,
            };
            product.launch(around, sums)?;
        }
        if let Some(db) = io.grads[3] {
            let sum = BiasSum {
                lines,
                outputs: self.kernels,
                dy: du.input(),
                db: db.data,
            };
            sum.launch(around, sums)?;
        }
        if !more {
            return Ok(());
        }
        let back = Product {
            lines,
            depth: self.kernels,
            columns: self.kernels,
            a: du.input(),
            weight: io.inputs[2].data,
            transposed: true,
            bias: In::NULL,
            y: dh,
            add: false,
        };
        back.launch(around, sums)
    }
}
