//! Where a tape's buffers lie: lifetimes from the order of the steps, places from lifetimes.

use super::Real;
use super::arena;
use super::arena::Block;
use super::params::Role;
use super::tape::{Source, Step, Tape, Var};
use smallvec::SmallVec;
use std::ops::Range;

/// Where a buffer lies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    offset: usize,
    /// Elements of one row, or of the whole value.
    len: usize,
    per_row: bool,
}

impl Place {
    /// Where it lies when this many rows are run.
    pub fn range(&self, rows: usize) -> Range<usize> {
        let len = if self.per_row {
            rows * self.len
        } else {
            self.len
        };
        self.offset..self.offset + len
    }
}

/// Where everything lies.
pub struct Plan {
    /// By value; roots only.
    pub values: Vec<Option<Place>>,
    pub grads: Vec<Option<Place>>,
    /// By step.
    pub saved: Vec<Range<usize>>,
    pub scratch_forward: Vec<Range<usize>>,
    pub scratch_backward: Vec<Range<usize>>,
    pub arena: usize,
    /// By step: gradients that are born, empty, just before its backward run.
    pub clear: Vec<Vec<Place>>,
}

/// Which values a gradient must reach, by value: what the loss depends on, and what leads to a
/// trainable parameter or a watched value.
pub(super) fn wanted<T: Real>(tape: &Tape<T>, loss: Option<Var>) -> Vec<bool> {
    let n = tape.values.len();
    let mut leads = vec![false; n];
    for (i, value) in tape.values.iter().enumerate() {
        leads[i] = value.watch
            || match &value.source {
                Source::Param(p) => {
                    tape.layout.params[*p].trainable && tape.layout.params[*p].role == Role::Weight
                }
                Source::Dense(_) => false,
                Source::Step(s) => tape.steps[*s].inputs.iter().any(|v| leads[tape.root(*v).0]),
                Source::View(root) => leads[root.0],
            };
    }
    let mut reached = vec![false; n];
    if let Some(loss) = loss {
        reached[tape.root(loss).0] = true;
    }
    for step in tape.steps.iter().rev() {
        if reached[step.output.0] {
            for v in &step.inputs {
                reached[tape.root(*v).0] = true;
            }
        }
    }
    (0..n).map(|i| leads[i] && reached[i]).collect()
}

/// What a step asks of the planner on one device.
pub(super) struct StepNeeds {
    pub saved: usize,
    pub scratch_forward: usize,
    pub scratch_backward: usize,
    /// By input.
    pub rereads_input: SmallVec<[bool; 12]>,
    pub rereads_output: bool,
    /// Its saved numbers are read after the whole step.
    pub keeps_saved: bool,
}

impl StepNeeds {
    /// Elements that are kept, and those of the scratch forward and backward.
    pub fn sizes(&self) -> [usize; 3] {
        [self.saved, self.scratch_forward, self.scratch_backward]
    }
}

/// What each step needs on the CPU.
pub(super) fn cpu_needs<T: Real>(tape: &Tape<T>, rows: usize) -> Vec<StepNeeds> {
    let of_step = |step: &Step<T>| {
        let rows = if tape.values[step.output.0].per_row {
            rows
        } else {
            1
        };
        let scratch = step.op.scratch(rows);
        StepNeeds {
            saved: step.op.saved(rows),
            scratch_forward: scratch,
            scratch_backward: scratch,
            rereads_input: (0..step.inputs.len())
                .map(|i| step.op.rereads_input(i))
                .collect(),
            rereads_output: step.op.rereads_output(),
            keeps_saved: step.op.spans_batch(),
        }
    };
    tape.steps.iter().map(of_step).collect()
}

/// Plans the arena. Step i runs forward at time i and backward at time 2n - 1 - i.
pub(super) fn place<T: Real>(
    tape: &Tape<T>,
    loss: Option<Var>,
    wanted: &[bool],
    rows: usize,
    needs: &[StepNeeds],
) -> Plan {
    let (n_values, n) = (tape.values.len(), tape.steps.len());
    let end = 2 * n;
    let back = |step: usize| 2 * n - 1 - step;
    let runs_back = |step: usize| loss.is_some() && wanted[tape.steps[step].output.0];
    let mut born = vec![0; n_values];
    let mut dies = vec![0; n_values];
    let mut grad_born = vec![usize::MAX; n_values];
    for (s, step) in tape.steps.iter().enumerate() {
        let out = step.output.0;
        born[out] = s;
        dies[out] = dies[out].max(s);
        if runs_back(s) && needs[s].rereads_output {
            dies[out] = dies[out].max(back(s));
        }
        for (i, v) in step.inputs.iter().enumerate() {
            let root = tape.root(*v).0;
            dies[root] = dies[root].max(s);
            if runs_back(s) {
                if needs[s].rereads_input[i] {
                    dies[root] = dies[root].max(back(s));
                }
                grad_born[root] = grad_born[root].min(back(s));
            }
        }
    }
    if let Some(loss) = loss {
        grad_born[tape.root(loss).0] = n;
    }
    let mut blocks: Vec<Block> = Vec::new();
    let mut add = |start: usize, end: usize, len: usize| {
        blocks.push(Block { start, end, len });
        blocks.len() - 1
    };
    let size = |i: usize| {
        let value = &tape.values[i];
        let len: usize = value.shape.iter().product();
        (len, if value.per_row { len * rows } else { len })
    };
    let mut value_block = vec![None; n_values];
    let mut grad_block = vec![None; n_values];
    for (i, value) in tape.values.iter().enumerate() {
        if matches!(value.source, Source::Param(_) | Source::View(_)) {
            continue;
        }
        let last = if value.keep || value.watch {
            end
        } else {
            dies[i]
        };
        value_block[i] = Some(add(born[i], last, size(i).1));
        if wanted[i] && grad_born[i] != usize::MAX {
            let last = match value.source {
                Source::Step(s) if !value.watch => back(s),
                _ => end,
            };
            grad_block[i] = Some(add(grad_born[i], last, size(i).1));
        }
    }
    let mut per_step = Vec::with_capacity(n);
    for (s, needs) in needs.iter().enumerate() {
        // Buffers of a batch-wide op are read after the whole step.
        let saved_end = if needs.keeps_saved {
            end
        } else if runs_back(s) {
            back(s)
        } else {
            s
        };
        let backward = if runs_back(s) {
            needs.scratch_backward
        } else {
            0
        };
        per_step.push([
            (add(s, saved_end, needs.saved), needs.saved),
            (add(s, s, needs.scratch_forward), needs.scratch_forward),
            (add(back(s), back(s), backward), backward),
        ]);
    }
    let (offsets, arena) = arena::plan(&blocks);
    let place_of = |i: usize, block: Option<usize>| {
        block.map(|b| Place {
            offset: offsets[b],
            len: size(i).0,
            per_row: tape.values[i].per_row,
        })
    };
    let values: Vec<_> = (0..n_values).map(|i| place_of(i, value_block[i])).collect();
    let grads: Vec<_> = (0..n_values).map(|i| place_of(i, grad_block[i])).collect();
    let mut clear = vec![Vec::new(); n];
    let loss_root = loss.map(|l| tape.root(l).0);
    for i in 0..n_values {
        if let Some(place) = grads[i]
            && Some(i) != loss_root
        {
            clear[2 * n - 1 - grad_born[i]].push(place);
        }
    }
    let range = |(block, len): (usize, usize)| offsets[block]..offsets[block] + len;
    Plan {
        values,
        grads,
        saved: per_step.iter().map(|p| range(p[0])).collect(),
        scratch_forward: per_step.iter().map(|p| range(p[1])).collect(),
        scratch_backward: per_step.iter().map(|p| range(p[2])).collect(),
        arena,
        clear,
    }
}
