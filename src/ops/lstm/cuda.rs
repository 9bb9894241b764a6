use super::{Lstm, PARAMETERS, Source, VECTORS};
use crate::Result;
use crate::engine::cuda::kernels::{
    LstmBackward, LstmBackwardInRegisters, LstmBackwardInputs, LstmBackwardWeights, LstmForward,
    LstmForwardInRegisters, LstmInputs, LstmMasks, LstmPack, LstmSumParts,
};
use crate::engine::cuda::{
    DeviceBackward, DeviceContext, DeviceForward, DeviceOp, Flops, Grid, In, Needs, Operand, Out,
};
use crate::engine::params::STREAM_DROPOUT;
use crate::ops::dropout::{counters, threshold};

const GATES: usize = 4;
const DIRECTIONS: usize = 2;
/// Chains of a block of the recurrence, where their numbers fit into its shared memory; else one.
const CHAINS: usize = 4;
/// Up to so many rows their chains do not fill a card with blocks of several.
const FEW_ROWS: usize = 32;
/// Bytes of shared memory that any block may have, and that a card of every architecture gives on request.
const SHARED: [usize; 2] = [48 << 10, 99 << 10];
/// Columns and steps of a block of the inputs' products (lstm.cu).
const COLUMNS: usize = 32;
const STRETCH: usize = 48;
/// Lines and units of a block of the weights' gradient (lstm.cu), and blocks that fill any card.
const CHAIN_LINES: usize = 64;
const CHAIN_UNITS: usize = 32;
const BLOCKS: usize = 264;
/// Blocks of a grid in its second and third direction.
const MOST_BLOCKS: usize = 65_535;
/// Numbers of shared memory for each unit of a chain.
const PER_UNIT: usize = GATES + 2;

/// Where the parts of `saved` begin, in elements.
struct Parts {
    packed: usize,
    input_masks: usize,
    state_masks: usize,
    chains: usize,
    end: usize,
}

/// Multipliers of inputs and h, and their elements from row to row; null for none.
struct Multipliers {
    input: In<f32>,
    input_stride: u32,
    state: In<f32>,
    state_stride: u32,
}

impl Lstm {
    /// Numbers of one direction's W, U and b below each other, of one gate.
    fn stacked(&self) -> usize {
        (self.inputs + self.units + 1) * self.units
    }

    fn parts(&self, rows: usize) -> Parts {
        let aligned = |n: usize| n.next_multiple_of(16);
        let packed = DIRECTIONS * GATES * (self.stacked() + self.units * self.units);
        let masks = |each: usize| match self.masks {
            Source::Drawn { .. } => aligned(rows * VECTORS * each),
            Source::None | Source::Given => 0,
        };
        let input_masks = aligned(packed);
        let state_masks = input_masks + masks(self.inputs);
        let chains = state_masks + masks(self.units);
        Parts {
            packed: 0,
            input_masks,
            state_masks,
            chains,
            end: chains + rows * 4 * self.sequence(),
        }
    }

    fn lines(&self, rows: usize) -> usize {
        2 * rows * self.steps
    }

    /// Chains of a block, and its bytes of shared memory: with few rows each chain has a block of its own.
    fn block(&self, rows: usize) -> (usize, usize) {
        let bytes = |chains: usize| PER_UNIT * self.units * chains * size_of::<f32>();
        match rows > FEW_ROWS && bytes(CHAINS) <= SHARED[0] {
            true => (CHAINS, bytes(CHAINS)),
            false => (1, bytes(1)),
        }
    }

    /// Blocks that make the gradient of one part of the chains in one direction.
    fn weight_blocks(&self) -> usize {
        (self.inputs + self.units).div_ceil(CHAIN_LINES) * self.units.div_ceil(CHAIN_UNITS)
    }

    /// Parts of the sums over chains: enough blocks for any GPU.
    fn sum_parts(&self, rows: usize) -> usize {
        let chains = 2 * rows;
        chains.div_ceil(chains.div_ceil(self.most_parts()))
    }

    fn most_parts(&self) -> usize {
        BLOCKS.div_ceil(DIRECTIONS * self.weight_blocks())
    }

    /// The grid of a recurrence with U in registers, if there is one for so many units (InRegisters in lstm.cu).
    fn in_registers(&self, rows: usize) -> Option<Grid> {
        let chains = match self.units {
            32 => 4,
            64 => 1,
            _ => return None,
        };
        Some(Grid::new((2 * rows).div_ceil(chains), DIRECTIONS, 1))
    }

    /// Elements of dz of all chains.
    fn gradients(&self, rows: usize) -> usize {
        rows * 4 * self.steps * GATES * self.units
    }

    fn multipliers(&self, inputs: &[Operand], saved: In<f32>, rows: usize) -> Multipliers {
        let parts = self.parts(rows);
        match self.masks {
            Source::None => Multipliers {
                input: In::NULL,
                input_stride: 0,
                state: In::NULL,
                state_stride: 0,
            },
            Source::Drawn { .. } => Multipliers {
                input: saved.at(parts.input_masks),
                input_stride: (VECTORS * self.inputs) as u32,
                state: saved.at(parts.state_masks),
                state_stride: (VECTORS * self.units) as u32,
            },
            Source::Given => {
                let [input, state] = [1, 2].map(|i| inputs[2 * PARAMETERS + i]);
                Multipliers {
                    input: input.data,
                    input_stride: input.stride(),
                    state: state.data,
                    state_stride: state.stride(),
                }
            }
        }
    }

    /// Draws the multipliers, where they are drawn.
    fn draw(&self, around: &DeviceContext<'_>, saved: Out<f32>, rows: usize) -> Result<()> {
        let Source::Drawn { input, state, site } = self.masks else {
            return Ok(());
        };
        let parts = self.parts(rows);
        let sites = [
            (parts.input_masks, self.inputs, input, site),
            (parts.state_masks, self.units, state, site + 1),
        ];
        for (place, each, p, site) in sites {
            let n = rows * VECTORS * each;
            around.gpu.launch(
                Grid::over(counters(n), 256),
                LstmMasks {
                    state: around.state,
                    masks: saved.at(place),
                    n: n as u64,
                    stream: STREAM_DROPOUT + (site << 32),
                    threshold: threshold(p),
                    scale: (1.0 / (1.0 - p)) as f32,
                },
            )?;
        }
        Ok(())
    }
}

impl DeviceOp for Lstm {
    fn needs(&self, rows: usize, wanted: &[bool]) -> Needs {
        // Fewer rows may be cut into more parts.
        let parts = self.most_parts().min(2 * rows);
        let sums = parts * DIRECTIONS * GATES * self.stacked();
        Needs {
            saved: self.parts(rows).end,
            scratch_forward: 0,
            scratch_backward: match wanted.contains(&true) {
                true => self.gradients(rows).next_multiple_of(16) + sums,
                false => 0,
            },
        }
    }

    fn flops(&self, rows: usize, wanted: &[bool]) -> Flops {
        let each = (self.inputs + self.units) * GATES * self.units;
        let products = 2.0 * (DIRECTIONS * self.lines(rows) * each) as f64;
        Flops::product(products, [wanted[0], wanted[1]])
    }

    /// What the recurrence's block cannot hold, and what a grid has no number for.
    fn refuses(&self) -> Option<String> {
        let stretches = self.steps.div_ceil(STRETCH);
        if self.block(1).1 > SHARED[1] {
            return Some(format!(
                "an LSTM of {} units: at most {} fit a block's shared memory",
                self.units,
                SHARED[1] / (PER_UNIT * size_of::<f32>())
            ));
        }
        (self.weight_blocks().max(stretches) > MOST_BLOCKS).then(|| {
            format!(
                "an LSTM of {} inputs, {} units and {} steps: more blocks than a grid has",
                self.inputs, self.units, self.steps
            )
        })
    }

    /// The packed parameters are kept; x, and multipliers that were given, are read again.
    fn rereads_input(&self, index: usize) -> Option<bool> {
        Some(index == 0 || index > 2 * PARAMETERS)
    }

    /// The h before a step is in the output.
    fn rereads_output(&self) -> Option<bool> {
        Some(true)
    }

    fn forward(&self, io: &DeviceForward<'_>) -> Result<()> {
        let (gpu, rows) = (io.around.gpu, io.rows);
        let parts = self.parts(rows);
        let (steps, inputs, units) = (self.steps as u32, self.inputs as u32, self.units as u32);
        let direction = GATES * (self.stacked() + self.units * self.units);
        for number in 0..DIRECTIONS {
            let of = |i: usize| io.inputs[1 + number * PARAMETERS + i].data;
            gpu.launch(
                Grid::over(GATES * self.stacked(), 256),
                LstmPack {
                    wi: of(0),
                    wf: of(1),
                    wc: of(2),
                    wo: of(3),
                    ui: of(4),
                    uf: of(5),
                    uc: of(6),
                    uo: of(7),
                    bi: of(8),
                    bf: of(9),
                    bc: of(10),
                    bo: of(11),
                    packed: io.saved.at(parts.packed + number * direction),
                    inputs,
                    units,
                },
            )?;
        }
        self.draw(&io.around, io.saved, rows)?;
        let masks = self.multipliers(io.inputs, io.saved.input(), rows);
        let packed = io.saved.at(parts.packed).input();
        let kept = io.saved.at(parts.chains);
        gpu.launch(
            Grid::new(
                2 * rows,
                DIRECTIONS * self.units.div_ceil(COLUMNS),
                self.steps.div_ceil(STRETCH),
            ),
            LstmInputs {
                x: io.inputs[0].data,
                input_masks: masks.input,
                input_stride: masks.input_stride,
                packed,
                kept,
                rows: rows as u32,
                steps,
                inputs,
                units,
                bf16: io.around.bf16(),
            },
        )?;
        if let Some(grid) = self.in_registers(rows) {
            return gpu.launch(
                grid,
                LstmForwardInRegisters {
                    state_masks: masks.state,
                    state_stride: masks.state_stride,
                    packed,
                    kept,
                    y: io.output,
                    rows: rows as u32,
                    steps,
                    inputs,
                    units,
                },
            );
        }
        let (chains, shared) = self.block(rows);
        let grid = Grid::new((2 * rows).div_ceil(chains), DIRECTIONS, 1);
        let (state_masks, state_stride) = (masks.state, masks.state_stride);
        let (y, rows) = (io.output, rows as u32);
        gpu.launch_shared(
            grid,
            shared,
            LstmForward {
                state_masks,
                state_stride,
                packed,
                kept,
                y,
                rows,
                steps,
                inputs,
                units,
                chains: chains as u32,
            },
        )
    }

    fn backward(&self, io: &DeviceBackward<'_>) -> Result<()> {
        let (gpu, count) = (io.around.gpu, io.rows);
        let parts = self.parts(count);
        let rows = count as u32;
        let (steps, inputs, units) = (self.steps as u32, self.inputs as u32, self.units as u32);
        let masks = self.multipliers(io.inputs, io.saved.input(), count);
        let (input_masks, input_stride) = (masks.input, masks.input_stride);
        let (state_masks, state_stride) = (masks.state, masks.state_stride);
        let packed = io.saved.at(parts.packed).input();
        let kept = io.saved.at(parts.chains).input();
        let (dy, dz) = (io.grad_output, io.scratch);
        if let Some(grid) = self.in_registers(count) {
            gpu.launch(
                grid,
                LstmBackwardInRegisters {
                    state_masks,
                    state_stride,
                    packed,
                    kept,
                    dy,
                    dz,
                    rows,
                    steps,
                    inputs,
                    units,
                },
            )?;
        } else {
            let (chains, shared) = self.block(count);
            let grid = Grid::new((2 * count).div_ceil(chains), DIRECTIONS, 1);
            gpu.launch_shared(
                grid,
                shared,
                LstmBackward {
                    state_masks,
                    state_stride,
                    packed,
                    kept,
                    dy,
                    dz,
                    rows,
                    steps,
                    inputs,
                    units,
                    chains: chains as u32,
                },
            )?;
        }
        let dz = dz.input();
        if let Some(dx) = io.grads[0] {
            gpu.launch(
                Grid::new(
                    2 * count,
                    self.inputs.div_ceil(COLUMNS),
                    self.steps.div_ceil(STRETCH),
                ),
                LstmBackwardInputs {
                    dz,
                    input_masks,
                    input_stride,
                    packed,
                    dx: dx.data,
                    rows,
                    steps,
                    inputs,
                    units,
                    bf16: io.around.bf16(),
                },
            )?;
        }
        if io.grads[1..=2 * PARAMETERS].iter().all(Option::is_none) {
            return Ok(());
        }
        let sums = io.scratch.at(self.gradients(count).next_multiple_of(16));
        let sum_parts = self.sum_parts(count);
        gpu.launch(
            Grid::new(sum_parts, DIRECTIONS, self.weight_blocks()),
            LstmBackwardWeights {
                x: io.inputs[0].data,
                y: io.output,
                dz,
                input_masks,
                input_stride,
                state_masks,
                state_stride,
                parts: sums,
                rows,
                steps,
                inputs,
                units,
                bf16: io.around.bf16(),
            },
        )?;
        for direction in 0..DIRECTIONS {
            let of = |i: usize| {
                let gradient = io.grads[1 + direction * PARAMETERS + i];
                gradient.map_or(Out::NULL, |g| g.data)
            };
            gpu.launch(
                Grid::new(self.stacked().div_ceil(256), GATES, 1),
                LstmSumParts {
                    parts: sums.input(),
                    dwi: of(0),
                    dwf: of(1),
                    dwc: of(2),
                    dwo: of(3),
                    dui: of(4),
                    duf: of(5),
                    duc: of(6),
                    duo: of(7),
                    dbi: of(8),
                    dbf: of(9),
                    dbc: of(10),
                    dbo: of(11),
                    direction: direction as u32,
                    count: sum_parts as u32,
                    inputs,
                    units,
                },
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::Tape;
    use crate::engine::cuda::DeviceProgram;
    use crate::engine::{Init, Var};
    use crate::ops::lstm::{Direction, Masks, lstm};

    fn program(units: usize) -> Result<(), String> {
        let mut tape = Tape::<f32>::new(false);
        let x = tape.dense_input(&[2, 3, 4]);
        let mut declare =
            |name: String, shape: &[usize]| tape.param(&name, shape, Init::Constant(0.0));
        let mut direction = |d: usize| {
            let mut four = |kind: &str, shape: &[usize]| -> [Var; 4] {
                [0, 1, 2, 3].map(|g| declare(format!("{d}{kind}{g}"), shape))
            };
            Direction {
                w: four("w", &[4, units]),
                u: four("u", &[units, units]),
                b: four("b", &[units]),
            }
        };
        let (forward, backward) = (direction(0), direction(1));
        let masks = Masks::Drawn {
            input: 0.0,
            state: 0.0,
            site: 0,
        };
        let y = lstm(&mut tape, x, &forward, &backward, masks);
        let made = DeviceProgram::new(tape, y, None, 2);
        made.map(drop).map_err(|e| e.to_string())
    }

    #[test]
    fn units_beyond_a_blocks_shared_memory_are_refused_by_number() {
        assert_eq!(program(4224), Ok(()));
        let refused = program(4225).unwrap_err();
        assert!(
            refused.contains("an LSTM of 4225 units: at most 4224"),
            "{refused}"
        );
        assert!(refused.contains("--device cpu"), "{refused}");
    }
}
