use super::{Gate, GatedSum};
use crate::Result;
use crate::engine::cuda::kernels::{
    GatedSumBackwardLines, GatedSumBackwardPositions, GatedSumBackwardShared,
    GatedSumBackwardTotal, GatedSumForward,
};
use crate::engine::cuda::{DeviceBackward, DeviceForward, DeviceOp, Grid, In, Needs, Operand, Out};
use crate::ops::shared::lines::{Lines, sum_rows};

/// Parts that one launch takes.
const AT_ONCE: usize = 8;

/// Parts `first..first + count`, as a launch takes them.
struct Parts {
    first: usize,
    count: usize,
    data: [In<f32>; AT_ONCE],
    /// Bit k: all rows share part first + k.
    shared: u32,
    /// Bit k: it has one number a channel, for many positions.
    narrow: u32,
}

impl GatedSum {
    /// The gate's kind in gated_sum.cu.
    fn number(&self) -> u32 {
        match self.kind {
            Gate::PerPosition => 0,
            Gate::PerPart => 1,
            Gate::PerChannel => 2,
        }
    }

    fn gates(&self) -> usize {
        match self.kind {
            Gate::PerPosition => self.parts * self.length,
            Gate::PerPart => self.parts,
            Gate::PerChannel => self.channels * self.parts,
        }
    }

    fn is_narrow(&self, part: &Operand) -> bool {
        self.length > 1 && part.len == self.channels
    }

    fn launches<'a>(&'a self, inputs: &'a [Operand]) -> impl Iterator<Item = Parts> + 'a {
        let chunks = inputs[..self.parts].chunks(AT_ONCE).enumerate();
        chunks.map(|(chunk, parts)| {
            let bits = |f: &dyn Fn(&Operand) -> bool| {
                let set = parts.iter().enumerate();
                set.fold(0, |bits, (k, part)| bits | u32::from(f(part)) << k)
            };
            Parts {
                first: chunk * AT_ONCE,
                count: parts.len(),
                data: std::array::from_fn(|k| parts.get(k).map_or(In::NULL, |part| part.data)),
                shared: bits(&|part| !part.per_row),
                narrow: bits(&|part| self.is_narrow(part)),
            }
        })
    }

    /// Each row's part of the gradient of narrow parts.
    fn narrow_sums(&self, rows: usize) -> usize {
        self.parts * rows * self.channels
    }

    /// Each row's part of the gates' gradient; for gates by part first that of each channel.
    fn gate_sums(&self, rows: usize) -> usize {
        match self.kind {
            Gate::PerPart => rows * self.parts * (self.channels + 1),
            _ => rows * self.gates(),
        }
    }

    /// Gradients of the parts, and of gates that hold for a whole line.
    fn lines(&self, io: &DeviceBackward<'_>, gate_sums: Out<f32>, adds: bool) -> Result<()> {
        let rows = io.rows;
        let of = Lines::new(rows * self.channels, self.length);
        let gate = io.inputs[self.parts];
        for part in self.launches(io.inputs) {
            let dx: [Out<f32>; AT_ONCE] = std::array::from_fn(|k| {
                let bit = |mask: u32| mask >> k & 1 == 1;
                let grad = (k < part.count).then(|| io.grads[part.first + k]).flatten();
                // Shared parts with a number for each position sum over rows elsewhere.
                let here = !bit(part.shared) || bit(part.narrow);
                grad.filter(|_| here).map_or(Out::NULL, |g| g.data)
            });
            if gate_sums.address() == 0 && dx.iter().all(|d| d.address() == 0) {
                continue;
            }
            let [x0, x1, x2, x3, x4, x5, x6, x7] = part.data;
            let [dx0, dx1, dx2, dx3, dx4, dx5, dx6, dx7] = dx;
            io.around.gpu.launch(
                of.grid,
                GatedSumBackwardLines {
                    x0,
                    x1,
                    x2,
                    x3,
                    x4,
                    x5,
                    x6,
                    x7,
                    dx0,
                    dx1,
                    dx2,
                    dx3,
                    dx4,
                    dx5,
                    dx6,
                    dx7,
                    gate: gate.data,
                    dy: io.grad_output,
                    gate_sums,
                    narrow_sums: io.scratch,
                    lines: of.lines,
                    channels: self.channels as u32,
                    length: self.length as u32,
                    kind: self.number(),
                    gate_row: gate.stride(),
                    parts: self.parts as u32,
                    first: part.first as u32,
                    count: part.count as u32,
                    shared: part.shared,
                    narrow: part.narrow,
                    adds: u32::from(adds),
                    lanes: of.lanes,
                },
            )?;
        }
        Ok(())
    }

    /// What shared parts still lack.
    fn shared_parts(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let gate = io.inputs[self.parts];
        for (i, part) in io.inputs[..self.parts].iter().enumerate() {
            let Some(dx) = io.grads[i].filter(|_| !part.per_row) else {
                continue;
            };
            if self.is_narrow(part) {
                let sums = io.scratch.at(i * io.rows * self.channels).input();
                sum_rows(io.around.gpu, sums, dx.data, io.rows, self.channels)?;
                continue;
            }
            io.around.gpu.launch(
                Grid::over(self.channels * self.length, 32),
                GatedSumBackwardShared {
                    gate: gate.data,
                    dy: io.grad_output,
                    dx: dx.data,
                    rows: io.rows as u32,
                    channels: self.channels as u32,
                    length: self.length as u32,
                    kind: self.number(),
                    gate_row: gate.stride(),
                    parts: self.parts as u32,
                    part: i as u32,
                },
            )?;
        }
        Ok(())
    }

    /// Sums over channels of gates by position.
    fn positions(&self, io: &DeviceBackward<'_>, sums: Out<f32>, adds: bool) -> Result<()> {
        for part in self.launches(io.inputs) {
            let [x0, x1, x2, x3, x4, x5, x6, x7] = part.data;
            io.around.gpu.launch(
                Grid::new(io.rows * self.length.div_ceil(32), 1, 1),
                GatedSumBackwardPositions {
                    x0,
                    x1,
                    x2,
                    x3,
                    x4,
                    x5,
                    x6,
                    x7,
                    dy: io.grad_output,
                    sums,
                    channels: self.channels as u32,
                    length: self.length as u32,
                    parts: self.parts as u32,
                    first: part.first as u32,
                    count: part.count as u32,
                    shared: part.shared,
                    narrow: part.narrow,
                    adds: u32::from(adds),
                },
            )?;
        }
        Ok(())
    }

    /// Sums of lines: to `out`, or added there.
    fn total(
        &self,
        io: &DeviceBackward<'_>,
        x: In<f32>,
        out: Out<f32>,
        lines: usize,
        adds: bool,
    ) -> Result<()> {
        let of = Lines::new(lines, self.channels);
        io.around.gpu.launch(
            of.grid,
            GatedSumBackwardTotal {
                x,
                out,
                lines: of.lines,
                length: self.channels as u32,
                adds: u32::from(adds),
                lanes: of.lanes,
            },
        )
    }
}

impl DeviceOp for GatedSum {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        let of_gates = if wanted[self.parts] {
            self.gate_sums(rows)
        } else {
            0
        };
        let scratch = if wanted.contains(&true) {
            self.narrow_sums(rows) + of_gates
        } else {
            0
        };
        Needs {
            scratch_backward: scratch,
            ..Needs::default()
        }
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let of = Lines::new(io.rows * self.channels, self.length);
        let gate = io.inputs[self.parts];
        for part in self.launches(io.inputs) {
            let [x0, x1, x2, x3, x4, x5, x6, x7] = part.data;
            io.around.gpu.launch(
                of.grid,
                GatedSumForward {
                    x0,
                    x1,
                    x2,
                    x3,
                    x4,
                    x5,
                    x6,
                    x7,
                    gate: gate.data,
                    y: io.output,
                    lines: of.lines,
                    channels: self.channels as u32,
                    length: self.length as u32,
                    kind: self.number(),
                    gate_row: gate.stride(),
                    parts: self.parts as u32,
                    first: part.first as u32,
                    count: part.count as u32,
                    shared: part.shared,
                    narrow: part.narrow,
                    add: u32::from(part.first > 0),
                    lanes: of.lanes,
                },
            )?;
        }
        Ok(())
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let Some(dgate) = io.grads[self.parts] else {
            self.lines(io, Out::NULL, false)?;
            return self.shared_parts(io);
        };
        let (gpu, rows) = (io.around.gpu, io.rows);
        let scratch = io.scratch.at(self.narrow_sums(rows));
        // Straight to where it belongs, or each row's part to be summed over rows.
        let (sums, adds) = if dgate.per_row {
            (dgate.data, true)
        } else {
            (scratch, false)
        };
        match self.kind {
            Gate::PerPosition => {
                self.lines(io, Out::NULL, false)?;
                self.positions(io, sums, adds)?;
            }
            Gate::PerChannel => self.lines(io, sums, adds)?,
            Gate::PerPart => {
                self.lines(io, scratch, false)?;
                let (of_rows, by_channel) = (rows * self.parts, scratch.input());
                let sums = if adds {
                    sums
                } else {
                    scratch.at(of_rows * self.channels)
                };
                self.total(io, by_channel, sums, of_rows, adds)?;
                if !adds {
                    sum_rows(gpu, sums.input(), dgate.data, rows, self.parts)?;
                }
                return self.shared_parts(io);
            }
        }
        if !adds {
            sum_rows(gpu, sums.input(), dgate.data, rows, self.gates())?;
        }
        self.shared_parts(io)
    }
}
