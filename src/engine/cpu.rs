//! Runs a program over batches on the CPU. A batch is cut into pieces of the program's rows; a
//! fixed number of lanes takes every n-th piece and adds up its gradients in order; the lanes are
//! added in order. So the result does not depend on the number of threads.

use super::params::Layout;
use super::program::{Piece, Program};
use super::tape::{Context, Prepared, Var};
use super::{Noise, Real};
use rayon::prelude::*;
use std::sync::Mutex;

/// A whole batch as the host holds it.
#[derive(Clone)]
pub struct Batch<'a, T> {
    pub rows: usize,
    /// `rows x length` base codes.
    pub codes: &'a [u8],
    /// By dense input: `rows x len`.
    pub dense: Vec<&'a [T]>,
    pub noise: Noise,
}

/// Memory that the lanes' gradients together may take, unless two lanes alone need more.
const LANE_BYTES: usize = 256 << 20;
const MAX_LANES: usize = 16;
/// Memory that one thread's arena may take, unless one row alone needs more.
const ARENA_BYTES: usize = 48 << 20;
/// Rows beyond which a larger piece brought no more speed.
pub const MAX_PIECE: usize = 8;

/// Rows of a piece, given what one row needs: a property of the model, not of the machine. `most`: the model's own limit.
pub fn piece_rows<T>(arena_len_of_one_row: usize, most: usize) -> usize {
    let bytes = (arena_len_of_one_row * size_of::<T>()).max(1);
    (ARENA_BYTES / bytes).clamp(1, most)
}

/// A program with its threads' arenas.
pub struct CpuExecutor<T: Real> {
    program: Program<T>,
    arenas: Vec<Mutex<Vec<T>>>,
    lanes: Vec<Vec<T>>,
    prepared: Vec<Option<Prepared>>,
    fresh: bool,
    batch_wide: bool,
}

impl<T: Real> CpuExecutor<T> {
    pub fn new(program: Program<T>) -> Self {
        let batch_wide = program.spans_batch();
        CpuExecutor {
            program,
            arenas: Vec::new(),
            lanes: Vec::new(),
            prepared: Vec::new(),
            fresh: true,
            batch_wide,
        }
    }

    pub fn layout(&self) -> &Layout {
        self.program.layout()
    }

    pub fn program(&self) -> &Program<T> {
        &self.program
    }

    /// To be called when parameters changed by other means than training (a checkpoint was read).
    pub fn parameters_replaced(&mut self) {
        self.fresh = true;
    }

    fn ready(&mut self, params: &[T]) {
        self.program.prepare(params, &mut self.prepared, self.fresh);
        self.fresh = false;
        let threads = if self.batch_wide {
            1
        } else {
            rayon::current_num_threads()
        };
        while self.arenas.len() < threads {
            self.arenas.push(Mutex::new(Vec::new()));
        }
    }

    /// Runs `work` with this thread's arena.
    fn with_arena<R>(&self, work: impl FnOnce(&mut [T]) -> R) -> R {
        let index = rayon::current_thread_index().unwrap_or(0) % self.arenas.len();
        let mut arena = match self.arenas[index].lock() {
            Ok(arena) => arena,
            Err(poisoned) => poisoned.into_inner(),
        };
        arena.resize(self.program.arena_len(), T::ZERO);
        work(&mut arena)
    }

    fn output<'a>(&self, arena: &'a [T], params: &'a [T], rows: usize) -> &'a [T] {
        self.program
            .read(arena, params, self.program.output(), rows)
    }

    fn piece<'a>(&self, batch: &Batch<'a, T>, index: usize) -> Piece<'a, T> {
        let start = index * self.program.rows();
        let rows = self.program.rows().min(batch.rows - start);
        let length = batch.codes.len() / batch.rows;
        let of_piece = |d: &&'a [T]| {
            let len = d.len() / batch.rows;
            &d[start * len..(start + rows) * len]
        };
        Piece {
            rows,
            dense: batch.dense.iter().map(of_piece).collect(),
            context: Context {
                codes: &batch.codes[start * length..(start + rows) * length],
                first: &batch.codes[..length],
                noise: Noise {
                    first_row: start as u64,
                    ..batch.noise
                },
                prepared: None,
                parallel: self.batch_wide,
            },
        }
    }

    /// Predictions: `rows x outputs` into `out`.
    ///
    /// # Panics
    /// When a batch-wide program gets more rows than it was built for.
    pub fn forward(&mut self, params: &[T], batch: &Batch<'_, T>, out: &mut [T]) {
        self.ready(params);
        let rows = self.program.rows();
        assert!(!self.batch_wide || batch.rows <= rows);
        let width = out.len() / batch.rows;
        let run = |(index, out): (usize, &mut [T])| {
            let piece = self.piece(batch, index);
            self.with_arena(|arena| {
                self.program.forward(arena, params, &self.prepared, &piece);
                out.copy_from_slice(self.program.read(
                    arena,
                    params,
                    self.program.output(),
                    piece.rows,
                ));
            });
        };
        if self.batch_wide {
            run((0, out));
        } else {
            out.par_chunks_mut(rows * width).enumerate().for_each(run);
        }
    }

    /// A forward run that shows kept values: for each piece, in no order, the number of its first row, its number of
    /// rows, and each value's `rows x len` numbers.
    pub fn observe(
        &mut self,
        params: &[T],
        batch: &Batch<'_, T>,
        kept: &[Var],
        show: impl Fn(usize, usize, &[&[T]]) + Send + Sync,
    ) {
        self.ready(params);
        self.each_piece(batch, |first, piece, arena| {
            let program = &self.program;
            program.forward(arena, params, &self.prepared, piece);
            let read = |&var: &Var| program.read(arena, params, var, piece.rows);
            let values: Vec<&[T]> = kept.iter().map(read).collect();
            show(first, piece.rows, &values);
        });
    }

    /// Runs every piece of a batch on any thread; `run` gets the number of its first row, it, and an arena.
    fn each_piece(
        &self,
        batch: &Batch<'_, T>,
        run: impl Fn(usize, &Piece<'_, T>, &mut [T]) + Send + Sync,
    ) {
        let rows = self.program.rows();
        (0..batch.rows.div_ceil(rows))
            .into_par_iter()
            .for_each(|index| {
                let piece = self.piece(batch, index);
                self.with_arena(|arena| run(index * rows, &piece, arena));
            });
    }

    /// A forward and a backward run in which every row's loss counts 1, of a program in which no parameter learns: shows for each
    /// piece, in no order, the number of its first row, its number of rows, and the gradient of each watched value, `rows x len`.
    pub fn watched_gradients(
        &mut self,
        params: &[T],
        batch: &Batch<'_, T>,
        watched: &[Var],
        show: impl Fn(usize, usize, &[&[T]]) + Send + Sync,
    ) {
        self.ready(params);
        self.each_piece(batch, |first, piece, arena| {
            let (program, prepared) = (&self.program, &self.prepared);
            program.forward(arena, params, prepared, piece);
            program.backward(arena, params, &mut [], prepared, piece, T::ONE);
            let read = |&var: &Var| program.read_gradient(arena, var, piece.rows);
            let values = watched.iter().map(|var| read(var).unwrap_or_default());
            show(first, piece.rows, &values.collect::<Vec<&[T]>>());
        });
    }

    /// Each row's loss into `losses`, and the gradient of their mean into `grads` (laid out as
    /// the parameters; what does not learn stays 0). Batch-wide programs also move their buffers
    /// in `params`.
    pub fn gradients(
        &mut self,
        params: &mut [T],
        batch: &Batch<'_, T>,
        losses: &mut [T],
        grads: &mut [T],
    ) {
        self.gradients_and_outputs(params, batch, losses, &mut [], grads);
    }

    /// [`CpuExecutor::gradients`], and the outputs of the same run, `rows x outputs`; none with an empty `outputs`.
    pub fn gradients_and_outputs(
        &mut self,
        params: &mut [T],
        batch: &Batch<'_, T>,
        losses: &mut [T],
        outputs: &mut [T],
        grads: &mut [T],
    ) {
        self.ready(params);
        let rows = self.program.rows();
        let seed = T::of(1.0 / batch.rows as f64);
        if self.batch_wide {
            assert!(batch.rows <= rows);
            let piece = self.piece(batch, 0);
            grads.fill(T::ZERO);
            self.with_arena(|arena| {
                self.program.forward(arena, params, &self.prepared, &piece);
                self.program
                    .backward(arena, params, grads, &self.prepared, &piece, seed);
                losses.copy_from_slice(self.program.read_loss(arena, params, piece.rows));
                if !outputs.is_empty() {
                    outputs.copy_from_slice(self.output(arena, params, piece.rows));
                }
                self.program.update_buffers(arena, params, piece.rows);
            });
            return;
        }
        let pieces = batch.rows.div_ceil(rows);
        let lanes = (LANE_BYTES / (size_of::<T>() * self.layout().len().max(1)))
            .clamp(2, MAX_LANES)
            .min(pieces);
        let mut buffers = std::mem::take(&mut self.lanes);
        buffers.resize_with(lanes.max(buffers.len()), Vec::new);
        let params = &*params;
        let wanted = !outputs.is_empty();
        let results: Vec<Vec<PieceResult<T>>> = buffers[..lanes]
            .par_iter_mut()
            .enumerate()
            .map(|(lane, lane_grads)| {
                lane_grads.clear();
                lane_grads.resize(grads.len(), T::ZERO);
                self.with_arena(|arena| {
                    (lane..pieces)
                        .step_by(lanes)
                        .map(|index| {
                            let piece = self.piece(batch, index);
                            self.program.forward(arena, params, &self.prepared, &piece);
                            self.program.backward(
                                arena,
                                params,
                                lane_grads,
                                &self.prepared,
                                &piece,
                                seed,
                            );
                            let losses = self.program.read_loss(arena, params, piece.rows);
                            let outputs = if wanted {
                                self.output(arena, params, piece.rows)
                            } else {
                                &[]
                            };
                            PieceResult {
                                index,
                                losses: losses.to_vec(),
                                outputs: outputs.to_vec(),
                            }
                        })
                        .collect()
                })
            })
            .collect();
        let width = outputs.len() / batch.rows;
        for piece in results.into_iter().flatten() {
            let start = piece.index * rows;
            losses[start..start + piece.losses.len()].copy_from_slice(&piece.losses);
            let start = start * width;
            outputs[start..start + piece.outputs.len()].copy_from_slice(&piece.outputs);
        }
        let learning: Vec<_> = self
            .layout()
            .params
            .iter()
            .map(|p| (p.learns(), p.range()))
            .collect();
        grads.fill(T::ZERO);
        for (learns, range) in learning {
            if learns {
                let start = range.start;
                grads[range]
                    .par_chunks_mut(1 << 14)
                    .enumerate()
                    .for_each(|(chunk, out)| {
                        let at = start + (chunk << 14);
                        for lane in &buffers[..lanes] {
                            for (o, &g) in out.iter_mut().zip(&lane[at..]) {
                                *o += g;
                            }
                        }
                    });
            }
        }
        self.lanes = buffers;
    }

    /// Runs the pieces one after the other and reads back what no training needs: outputs, and
    /// gradients of watched values. Every row's loss counts 1; parameter gradients are added to
    /// `grads`.
    pub fn inspect(
        &mut self,
        params: &[T],
        batch: &Batch<'_, T>,
        grads: &mut [T],
        watched: &[Var],
    ) -> Inspection<T> {
        self.ready(params);
        let mut found = Inspection {
            output: Vec::new(),
            losses: Vec::new(),
            watched: vec![Vec::new(); watched.len()],
        };
        for index in 0..batch.rows.div_ceil(self.program.rows()) {
            let piece = self.piece(batch, index);
            self.with_arena(|arena| {
                let (program, rows) = (&self.program, piece.rows);
                program.forward(arena, params, &self.prepared, &piece);
                program.backward(arena, params, grads, &self.prepared, &piece, T::ONE);
                found
                    .output
                    .extend_from_slice(program.read(arena, params, program.output(), rows));
                found
                    .losses
                    .extend_from_slice(program.read_loss(arena, params, rows));
                for (out, var) in found.watched.iter_mut().zip(watched) {
                    out.extend_from_slice(
                        program.read_gradient(arena, *var, rows).unwrap_or_default(),
                    );
                }
            });
        }
        found
    }
}

/// What a lane keeps of a piece.
struct PieceResult<T> {
    index: usize,
    losses: Vec<T>,
    outputs: Vec<T>,
}

/// What [`CpuExecutor::inspect`] found.
pub struct Inspection<T> {
    pub output: Vec<T>,
    pub losses: Vec<T>,
    /// The gradient of each watched value; empty where none reaches it.
    pub watched: Vec<Vec<T>>,
}
