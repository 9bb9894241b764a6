//! What a kind of model gives the trainer: how it is recorded on a tape, what a row brings, and how well it does.

use super::batch_size::BatchSize;
use crate::Result;
use crate::engine::cpu::{MAX_PIECE, piece_rows};
use crate::engine::cuda::DeviceProgram;
use crate::engine::memory::{self, Bytes};
use crate::engine::{Layout, Program, Real, Tape, Var};

/// A kind of model as folders, messages and the command line call it.
#[derive(Debug)]
pub struct Kind {
    /// In config.json, and on the command line.
    pub name: &'static str,
    /// In sentences.
    pub title: &'static str,
    /// What predicts with it, for the message of a command that is for another kind.
    pub predict: &'static str,
    /// A key that config.json has had in every version, where older ones do not name the kind.
    pub old_key: Option<&'static str>,
    /// What a row is, in the plural.
    pub rows: &'static str,
    /// The column of history.tsv that says how many a second.
    pub rate: &'static str,
    /// What the size of a network follows from, for the message of one that does not fit into memory.
    pub sizes: &'static str,
    /// What to do when a loss is not finite.
    pub remedy: &'static str,
    /// What can be done where the folder holds a model of this kind.
    pub again: &'static str,
    /// And where that model cannot be gone on with.
    pub restart: &'static str,
    /// What can be done with a folder whose run failed before it had numbers to keep.
    pub reuse: &'static str,
    /// What a run writes into its folder besides the files of every kind.
    pub files: &'static [&'static str],
    /// What the names of subfolders begin with, where a run makes several models.
    pub parts: Option<&'static str>,
    /// Flags of config.json that a resumed run may change.
    pub free_flags: &'static [&'static str],
}

/// All kinds that a program knows.
pub type Kinds<'a> = &'a [&'static Kind];

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// With a loss; dropout and batch statistics are on.
    Train,
    Predict,
}

/// What runs a program: kinds may record another form where an op lacks a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    Cpu,
    Gpu,
}

/// How layers are recorded that have a fused form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// One op where the layers allow it: the way to run.
    Fused,
    /// Each layer its own op, so that each layer's numbers and gradients can be read: the oracle.
    Composed,
}

/// The values of a recorded model that its users read.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// Of any shape: one number, one for each output, or a vector along positions.
    pub output: Var,
    /// One number per row. Of [`Purpose::Train`] alone.
    pub loss: Option<Var>,
}

/// What each row brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowShape {
    /// Base codes; 0: none.
    pub length: usize,
    /// Elements of each dense input, in the order in which they are recorded, without the targets.
    pub dense: Vec<usize>,
    /// Elements of the target, which is recorded as the last dense input of a training program.
    pub targets: usize,
    /// Elements of the output.
    pub outputs: usize,
}

/// A number that is reported beside the loss: the mean over all outputs.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// `accuracy` becomes the columns `train_accuracy` and `validation_accuracy`.
    pub name: &'static str,
    /// Of an output and its target.
    pub of: fn(f64, f64) -> f64,
}

impl Measure {
    /// The sum over a batch.
    pub fn sum<T: Real>(&self, outputs: &[T], targets: &[f64]) -> f64 {
        let pairs = outputs.iter().zip(targets);
        pairs.map(|(o, &t)| (self.of)(o.f64(), t)).sum()
    }
}

/// A number about all validation samples together, which no sum over batches gives.
#[derive(Clone, Copy)]
pub struct Overall {
    /// `r` becomes the column `validation_r`.
    pub name: &'static str,
    /// Of outputs (samples x outputs), targets (samples x targets) and the number of outputs; None where it is not defined. At most
    /// 1, which is best.
    pub of: fn(&[f64], &[f64], usize) -> Option<f64>,
}

/// A validation loss while it is being summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub sum: f64,
    /// What the sum is divided by in the end.
    pub count: f64,
}

impl Tally {
    pub fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

/// Copies of the parameters in training: the run's and the worker's, gradients, two moments of each, and what adds up the
/// gradients.
const TRAINED_COPIES: usize = 9;

/// A network of one kind, all but its numbers.
pub trait Model: Sync {
    fn kind(&self) -> &'static Kind;

    /// What each row brings to [`Model::record`]'s inputs.
    fn row(&self) -> RowShape;

    /// Records the network, with its loss for [`Purpose::Train`]: dense inputs in the order of [`RowShape::dense`], then
    /// for training the target.
    ///
    /// # Errors
    /// A network that cannot be built.
    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        on: Processor,
    ) -> Result<Recorded>;

    /// Adds a validation batch: outputs (rows x outputs) and targets (rows x targets).
    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally);

    /// Numbers that are reported beside the loss.
    fn measures(&self) -> &'static [Measure] {
        &[]
    }

    /// The number about all validation samples that is reported beside the loss, if there is one.
    fn overall(&self) -> Option<Overall> {
        None
    }

    /// The most rows of a piece of a batch of this size.
    fn piece_limit(&self, batch: usize) -> usize {
        MAX_PIECE.min(batch)
    }

    /// The network in a message about its size.
    fn sized(&self) -> String {
        let sizes = self.kind().sizes;
        format!("the network (its size follows from {sizes})")
    }

    /// Names, shapes and initial values of the parameters.
    ///
    /// # Errors
    /// A network that cannot be built, or does not fit into memory.
    fn layout(&self) -> Result<Layout> {
        let mut tape = Tape::<f32>::new(true);
        self.record(&mut tape, Purpose::Train, Processor::Cpu)?;
        let parameters = Bytes::of::<f32>(&[tape.layout().len()]);
        memory::check(self.sized(), parameters)?;
        Ok(tape.layout().clone())
    }

    /// A program of the CPU for batches of this size: as many rows per piece as fit a thread's arena, the whole batch where
    /// an op spans it.
    ///
    /// # Errors
    /// A network that cannot be built, or does not fit into memory.
    fn program<T: Real>(
        &self,
        purpose: Purpose,
        batch: impl Into<BatchSize>,
    ) -> Result<Program<T>> {
        let batch = batch.into();
        let make = |rows| {
            let mut tape = Tape::<T>::new(purpose == Purpose::Train);
            let recorded = self.record(&mut tape, purpose, Processor::Cpu)?;
            Ok(Program::new(tape, recorded.output, recorded.loss, rows))
        };
        let copies = match purpose {
            Purpose::Train => TRAINED_COPIES,
            Purpose::Predict => 1,
        };
        let check = |program: &Program<T>, what: &str| {
            let threads = match program.spans_batch() {
                true => 1,
                false => rayon::current_num_threads().min(batch.rows),
            };
            let arenas = Bytes::of::<T>(&[program.arena_len(), threads]);
            let parameters = Bytes::of::<T>(&[program.layout().len(), copies]);
            memory::check(what, arenas + parameters)
        };
        let one: Program<T> = make(1)?;
        check(&one, &self.sized())?;
        let rows = if one.spans_batch() {
            batch.rows
        } else {
            piece_rows::<T>(one.arena_len(), self.piece_limit(batch.given)).min(batch.rows)
        };
        if rows == 1 {
            return Ok(one);
        }
        // What a batch takes grows with its rows.
        let what = batch.flag();
        memory::check(&what, Bytes::of::<T>(&[one.arena_len(), rows]))?;
        let program = make(rows)?;
        check(&program, &what)?;
        Ok(program)
    }

    /// A program of a GPU for batches of up to `batch` rows.
    ///
    /// # Errors
    /// A network that cannot be built; an op without kernels.
    fn device_program(&self, purpose: Purpose, batch: usize) -> Result<DeviceProgram> {
        let mut tape = Tape::<f32>::new(purpose == Purpose::Train);
        let recorded = self.record(&mut tape, purpose, Processor::Gpu)?;
        DeviceProgram::new(tape, recorded.output, recorded.loss, batch)
    }
}
