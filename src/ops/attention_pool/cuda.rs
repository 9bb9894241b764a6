use super::AttentionPool;
use crate::Result;
use crate::engine::cuda::kernels::{
    AttentionPoolBackward, AttentionPoolForward, AttentionPoolJointBackward,
    AttentionPoolJointForward, AttentionPoolWindowSums,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, In, Needs, Out};
use crate::ops::shared::lines::{Lines, sum_rows};

impl AttentionPool {
    /// A number for each position of a channel, kept where making it again costs R numbers.
    fn kept(&self, rows: usize) -> usize {
        if self.depth == 1 {
            0
        } else {
            rows * self.channels * self.length
        }
    }

    /// A number for each of the R lines' windows.
    fn of_windows(&self, rows: usize) -> usize {
        rows * self.channels * self.depth * self.windows()
    }

    fn weights(&self) -> usize {
        self.channels * self.depth
    }
}

impl DeviceOp for AttentionPool {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let sums = if self.keep_shape {
            self.of_windows(rows)
        } else {
            0
        };
        let weight = if wanted[1] {
            rows * self.weights() + self.kept(rows)
        } else {
            0
        };
        Needs {
            saved: if wanted.contains(&true) {
                2 * rows * self.channels * self.windows()
            } else {
                0
            },
            scratch_forward: self.kept(rows),
            scratch_backward: sums + weight,
        }
    }

    /// The mean of a window under its weights; the CPU computes it again.
    fn rereads_output(&self) -> Option<bool> {
        Some(true)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let windows = io.rows * self.channels * self.windows();
        let of = Lines::new(windows, self.window.min(self.length));
        let (tops, scales) = if io.wanted.contains(&true) {
            (io.saved, io.saved.at(windows))
        } else {
            (Out::NULL, Out::NULL)
        };
        let (gpu, x, weight, y) = (
            io.around.gpu,
            io.inputs[0].data,
            io.inputs[1].data,
            io.output,
        );
        let (lines, lanes, channels) = (of.lines, of.lanes, self.channels as u32);
        let (length, window) = (self.length as u32, self.window as u32);
        let (windows, keep) = (self.windows() as u32, u32::from(self.keep_shape));
        if self.depth == 1 {
            return gpu.launch(
                of.grid,
                AttentionPoolForward {
                    x,
                    weight,
                    y,
                    tops,
                    scales,
                    lines,
                    channels,
                    length,
                    window,
                    windows,
                    keep,
                    lanes,
                },
            );
        }
        gpu.launch(
            of.grid,
            AttentionPoolJointForward {
                x,
                weight,
                y,
                tops,
                scales,
                mask: io.scratch,
                lines,
                channels,
                depth: self.depth as u32,
                length,
                window,
                windows,
                keep,
                lanes,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let gpu = io.around.gpu;
        let (dy, scratch): (In<f32>, Out<f32>) = if self.keep_shape {
            let sums = self.of_windows(io.rows);
            let of = Lines::new(sums, self.window.min(self.length));
            gpu.launch(
                of.grid,
                AttentionPoolWindowSums {
                    dy: io.grad_output,
                    sums: io.scratch,
                    lines: of.lines,
                    length: self.length as u32,
                    window: self.window as u32,
                    windows: self.windows() as u32,
                    lanes: of.lanes,
                },
            )?;
            (io.scratch.input(), io.scratch.at(sums))
        } else {
            (io.grad_output, io.scratch)
        };
        let lines = io.rows * self.channels;
        let of = Lines::new(lines, self.length);
        let (x, weight, y) = (io.inputs[0].data, io.inputs[1].data, io.output);
        let tops = io.saved.input();
        let scales = io.saved.at(lines * self.windows()).input();
        let dx = io.grads[0].map_or(Out::NULL, |g| g.data);
        let (dweight, slope) = if io.grads[1].is_some() {
            (scratch, scratch.at(io.rows * self.weights()))
        } else {
            (Out::NULL, Out::NULL)
        };
        let (lines, lanes, channels) = (of.lines, of.lanes, self.channels as u32);
        let (length, window) = (self.length as u32, self.window as u32);
        let (windows, keep) = (self.windows() as u32, u32::from(self.keep_shape));
        if self.depth == 1 {
            gpu.launch(
                of.grid,
                AttentionPoolBackward {
                    x,
                    weight,
                    y,
                    dy,
                    tops,
                    scales,
                    dx,
                    dweight,
                    lines,
                    channels,
                    length,
                    window,
                    windows,
                    keep,
                    lanes,
                },
            )?;
        } else {
            gpu.launch(
                of.grid,
                AttentionPoolJointBackward {
                    x,
                    weight,
                    y,
                    dy,
                    tops,
                    scales,
                    dx,
                    dweight,
                    slope,
                    lines,
                    channels,
                    depth: self.depth as u32,
                    length,
                    window,
                    windows,
                    keep,
                    lanes,
                },
            )?;
        }
        if let Some(into) = io.grads[1] {
            sum_rows(gpu, dweight.input(), into.data, io.rows, self.weights())?;
        }
        Ok(())
    }
}
