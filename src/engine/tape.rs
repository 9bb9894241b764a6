//! The tape: values, ops, and how an op sees its buffers. Read in one sitting.

use super::cuda::DeviceOp;
use super::memory::Bytes;
use super::params::{Init, Layout, Param, Role, Ties, elements};
use super::{Noise, Real};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::Arc;

/// The dimensions of one row of a value (the batch is not among them), or of a value that is one
/// for the whole batch.
pub type Shape = SmallVec<[usize; 4]>;

/// A value on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var(pub(super) usize);

/// Which sequences an op reads its base codes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// The row's own sequence.
    Row,
    /// The first sequence of the whole batch, the same for every row.
    First,
}

/// One input of an op: `rows x len` numbers, or `len` that all rows share.
#[derive(Clone, Copy)]
pub struct Operand<'a, T> {
    pub data: &'a [T],
    pub len: usize,
    pub per_row: bool,
}

impl<'a, T> Operand<'a, T> {
    #[inline]
    pub fn row(&self, row: usize) -> &'a [T] {
        if self.per_row {
            &self.data[row * self.len..(row + 1) * self.len]
        } else {
            self.data
        }
    }
}

/// The gradient of one input: an op adds to it, and shared inputs sum over the rows.
pub struct Gradient<'a, T> {
    pub data: &'a mut [T],
    pub len: usize,
    pub per_row: bool,
}

impl<T> Gradient<'_, T> {
    #[inline]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        if self.per_row {
            &mut self.data[row * self.len..(row + 1) * self.len]
        } else {
            self.data
        }
    }
}

/// What an op made once of its parameters (tables, packed weights), shared by all threads.
pub type Prepared = Arc<dyn Any + Send + Sync>;

/// Inputs of a step that do not live in the arena.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// `rows x length` base codes, 0..3 = ACGT, 4 = none.
    pub codes: &'a [u8],
    /// The batch's first sequence.
    pub first: &'a [u8],
    pub noise: Noise,
    pub prepared: Option<&'a Prepared>,
    /// This is the only piece of the batch: the op may use all threads itself.
    pub parallel: bool,
}

impl<'a> Context<'a> {
    /// The base codes of a row, `length` bases each.
    pub fn codes(&self, which: Codes, row: usize, length: usize) -> &'a [u8] {
        match which {
            Codes::Row => &self.codes[row * length..(row + 1) * length],
            Codes::First => &self.first[..length],
        }
    }

    /// # Panics
    /// When the op's `prepare` made another type: a mistake in the op.
    pub fn prepared<P: 'static>(&self) -> &'a P {
        self.prepared
            .and_then(|p| p.downcast_ref())
            .expect("the op's prepare() makes what its kernels ask for")
    }
}

/// Buffers of a forward run.
pub struct Forward<'a, T> {
    pub rows: usize,
    pub inputs: &'a [Operand<'a, T>],
    /// `rows x len`; holds old numbers until written.
    pub output: &'a mut [T],
    pub saved: &'a mut [T],
    pub scratch: &'a mut [T],
    pub context: Context<'a>,
}

/// Buffers of a backward run.
pub struct Backward<'a, 'b, T> {
    pub rows: usize,
    /// Empty where the op said that it does not read this input again.
    pub inputs: &'a [Operand<'a, T>],
    /// Empty where the op said that it does not read its output again.
    pub output: &'a [T],
    pub grad_output: &'a [T],
    pub saved: &'a mut [T],
    pub scratch: &'a mut [T],
    /// None where it is not wanted.
    pub grads: &'a mut [Option<Gradient<'b, T>>],
    pub context: Context<'a>,
}

/// One operation, both directions. Shapes are fixed when it is recorded; `rows` may be fewer than
/// planned in a batch's last piece.
pub trait Op<T: Real>: Send + Sync {
    /// The op's folder name.
    fn name(&self) -> &'static str;

    /// Elements that the forward run leaves for the backward run, for this many rows.
    fn saved(&self, _rows: usize) -> usize {
        0
    }

    /// Elements of working space in either direction, for this many rows.
    fn scratch(&self, _rows: usize) -> usize {
        0
    }

    /// The op mixes rows (batch norm): its program is built for the whole batch at once.
    fn spans_batch(&self) -> bool {
        false
    }

    /// The backward run reads this input again. An input that it does not read is empty then, and its place holds
    /// other numbers.
    fn rereads_input(&self, _index: usize) -> bool {
        true
    }

    /// As [`Self::rereads_input`], of the output.
    fn rereads_output(&self) -> bool {
        true
    }

    /// `prepare` reads this input: it runs again when that one has changed.
    fn prepares_from(&self, _index: usize) -> bool {
        true
    }

    /// Made from the shared inputs whenever they change (None for inputs that differ by row).
    fn prepare(&self, _inputs: &[Option<&[T]>]) -> Option<Prepared> {
        None
    }

    fn forward(&self, io: Forward<'_, T>);

    /// Adds to every gradient that is wanted.
    fn backward(&self, io: Backward<'_, '_, T>);

    /// Its kernels on a GPU, where it has some: a device program refuses an op without.
    fn device(&self) -> Option<&dyn DeviceOp> {
        None
    }

    /// New values for the inputs that are buffers, after a training step of a batch-wide program:
    /// `(input, values)`.
    fn buffers(
        &self,
        _rows: usize,
        _saved: &[T],
        _inputs: &[Operand<'_, T>],
    ) -> Vec<(usize, Vec<T>)> {
        Vec::new()
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Param(usize),
    /// The n-th dense input of the batch.
    Dense(usize),
    Step(usize),
    /// Another shape of the same numbers.
    View(Var),
}

pub(super) struct Value {
    pub shape: Shape,
    pub per_row: bool,
    pub source: Source,
    pub keep: bool,
    pub watch: bool,
}

pub(super) struct Step<T> {
    pub op: Box<dyn Op<T>>,
    pub inputs: SmallVec<[Var; 6]>,
    pub output: Var,
}

/// Records a model for fixed shapes.
pub struct Tape<T: Real> {
    pub(super) values: Vec<Value>,
    pub(super) steps: Vec<Step<T>>,
    pub(super) layout: Layout,
    pub(super) dense_inputs: usize,
    bytes: Bytes,
    /// Dropout and batch statistics are on.
    pub training: bool,
}

impl<T: Real> Tape<T> {
    pub fn new(training: bool) -> Self {
        Tape {
            values: Vec::new(),
            steps: Vec::new(),
            layout: Layout::default(),
            dense_inputs: 0,
            bytes: Bytes::default(),
            training,
        }
    }

    fn value(&mut self, shape: &[usize], per_row: bool, source: Source) -> Var {
        if !matches!(source, Source::View(_)) {
            self.bytes = self.bytes + Bytes::of::<T>(shape);
        }
        self.values.push(Value {
            shape: shape.into(),
            per_row,
            source,
            keep: false,
            watch: false,
        });
        Var(self.values.len() - 1)
    }

    /// Declares a trainable parameter; its values come from the state dict or from `init`.
    pub fn param(&mut self, name: &str, shape: &[usize], init: Init) -> Var {
        self.declare(name, shape, init, Role::Weight, true)
    }

    pub fn declare(
        &mut self,
        name: &str,
        shape: &[usize],
        init: Init,
        role: Role,
        trainable: bool,
    ) -> Var {
        assert!(
            self.layout.get(name).is_none(),
            "parameter {name} is declared twice"
        );
        let offset = self.layout.len();
        self.layout.params.push(Param {
            name: name.to_string(),
            shape: shape.to_vec(),
            init,
            role,
            trainable,
            used: false,
            ties: None,
            offset,
        });
        let index = self.layout.params.len() - 1;
        self.value(shape, false, Source::Param(index))
    }

    /// A dense input that the batch brings, one row each: signals, tracks.
    pub fn dense_input(&mut self, shape: &[usize]) -> Var {
        let index = self.dense_inputs;
        self.dense_inputs += 1;
        self.value(shape, true, Source::Dense(index))
    }

    /// Records an op. The output has a row for each row of the batch when an input has, or when
    /// `per_row` says that the op reads the batch itself.
    pub fn push(
        &mut self,
        op: impl Op<T> + 'static,
        inputs: &[Var],
        shape: &[usize],
        per_row: bool,
    ) -> Var {
        let per_row = per_row || inputs.iter().any(|&v| self.values[v.0].per_row);
        for (i, a) in inputs.iter().enumerate() {
            assert!(
                !inputs[..i].iter().any(|b| self.root(*b) == self.root(*a)),
                "{}: the same value twice among the inputs",
                op.name()
            );
        }
        let output = self.value(shape, per_row, Source::Step(self.steps.len()));
        self.steps.push(Step {
            op: Box::new(op),
            inputs: inputs.into(),
            output,
        });
        output
    }

    /// The same numbers, read with another shape.
    pub fn view(&mut self, var: Var, shape: &[usize]) -> Var {
        let len = self.len(var);
        assert_eq!(
            len,
            elements(shape),
            "view {:?} as {shape:?}",
            self.shape(var)
        );
        let per_row = self.values[var.0].per_row;
        let root = self.root(var);
        self.value(shape, per_row, Source::View(root))
    }

    pub fn shape(&self, var: Var) -> &[usize] {
        &self.values[var.0].shape
    }

    /// Elements of one row.
    pub fn len(&self, var: Var) -> usize {
        elements(&self.values[var.0].shape)
    }

    /// What all that was recorded would take for one row, if nothing shared a place.
    pub fn bytes(&self) -> Bytes {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub fn per_row(&self, var: Var) -> bool {
        self.values[var.0].per_row
    }

    /// Keeps a value readable after the run.
    pub fn keep(&mut self, var: Var) {
        let root = self.root(var);
        self.values[root.0].keep = true;
    }

    /// Requests the gradient of a value that is not a parameter, and keeps it readable.
    pub fn watch(&mut self, var: Var) {
        let root = self.root(var);
        self.values[root.0].watch = true;
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The ops that have no kernels for a GPU, by step.
    pub fn without_kernels(&self) -> impl Iterator<Item = &'static str> {
        let steps = self.steps.iter();
        steps
            .filter(|step| step.op.device().is_none())
            .map(|step| step.op.name())
    }

    /// Every op has kernels for a GPU.
    pub fn runs_on_a_gpu(&self) -> bool {
        self.without_kernels().next().is_none()
    }

    /// Decides by name which parameters may learn.
    pub fn set_trainable(&mut self, decide: impl Fn(&Param) -> bool) {
        for param in &mut self.layout.params {
            param.trainable = decide(param);
        }
    }

    /// Ties elements of a parameter to each other; nothing where there is no parameter of this name.
    pub fn tie(&mut self, name: &str, ties: Ties) {
        let mut params = self.layout.params.iter_mut();
        if let Some(param) = params.find(|param| param.name == name) {
            assert_eq!(ties.partners().len(), param.len(), "{name}: ties");
            param.ties = Some(std::sync::Arc::new(ties));
        }
    }

    pub(super) fn root(&self, var: Var) -> Var {
        match self.values[var.0].source {
            Source::View(root) => root,
            _ => var,
        }
    }
}
