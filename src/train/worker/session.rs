//! Training and prediction with everything on the card: data set, parameters, moments. The host sends the order of an
//! epoch's rows once; a step is one recorded graph, replayed; losses and predictions come back when they are asked for.

use crate::engine::cuda::{
    Buffer, DeviceProgram, Gpu, Graph, Memory, Out, PARAMETER_ALIGN, Precision, StepState,
};
use crate::engine::params::Layout;
use crate::optim::adam::{AdamLaunch, AdamStep, Shrink, flag, update_on};
use crate::train::batch::Table;
use crate::train::model::Model;
use crate::train::worker::step::begin_step::begin_step_on;
use crate::train::worker::step::end_step::{EndStepLaunch, end_step_on};
use crate::train::worker::step::gather::{GatherLaunch, gather_on, pack};
use crate::{Error, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The samples on the card: two bits a base, one bit for none, signals in f32.
struct Resident {
    bases: Buffer<u32>,
    unknown: Buffer<u32>,
    signals: Buffer<f32>,
    length: usize,
    outputs: usize,
}

impl Resident {
    fn new<S>(gpu: &Gpu, samples: &Table<'_, S>) -> Result<Self> {
        let packed = pack(samples.codes, samples.length);
        let signals: Vec<f32> = samples.targets.iter().map(|&s| s as f32).collect();
        Ok(Resident {
            bases: gpu.upload(&packed.bases, "the sequences of the data set")?,
            unknown: gpu.upload(&packed.unknown, "the sequences of the data set")?,
            signals: gpu.upload(&signals, "the signals of the data set")?,
            length: samples.length,
            outputs: samples.width,
        })
    }
}

/// The error of a model whose samples are no table that a GPU could keep.
pub fn not_resident<M: Model>(model: &M) -> Error {
    Error::Device(format!(
        "{} makes its batches on the host, which no GPU takes yet: use --device cpu",
        model.kind().title
    ))
}

/// How a session runs.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    pub batch_size: usize,
    pub precision: Precision,
    pub seed: u64,
    /// Replay recorded graphs instead of launching every kernel anew.
    pub graph: bool,
}

/// What the optimizer does to the parameters.
#[derive(Clone, Debug)]
pub struct Rule {
    pub decay: f64,
    pub shrink: Shrink,
    /// Names of the parameters that the penalty acts on.
    pub penalised: Vec<String>,
}

/// What only training needs.
struct Training {
    program: DeviceProgram,
    rule: Rule,
    grads: Buffer<f32>,
    m: Buffer<f32>,
    v: Buffer<f32>,
    /// One for each 64 parameters.
    flags: Buffer<u8>,
    /// The steps of the epoch.
    steps: Buffer<StepState>,
    losses: Buffer<f64>,
    stopped: Buffer<u32>,
    tables: Vec<Buffer<u32>>,
    graphs: HashMap<usize, Graph>,
    /// Rows of the epoch.
    epoch_rows: usize,
}

/// A model with its data on a GPU.
pub struct Session {
    gpu: Arc<Gpu>,
    settings: SessionSettings,
    data: Resident,
    inference: DeviceProgram,
    training: Option<Training>,
    tables: Vec<Buffer<u32>>,
    graphs: HashMap<usize, Graph>,
    arena: Buffer<f32>,
    params: Buffer<f32>,
    codes: Buffer<u8>,
    state: Buffer<StepState>,
    /// The number of the next batch.
    counter: Buffer<u32>,
    order: Buffer<u32>,
    /// The steps of a prediction: their batch numbers alone matter.
    batches: Buffer<StepState>,
    predictions: Buffer<f32>,
}

/// One flag for each 64 elements: 0 does not learn, 1 learns, 2 learns and is penalised.
fn flags(program: &DeviceProgram, rule: &Rule) -> Vec<u8> {
    let places = program.places();
    let mut flags = vec![flag::RESTS; places.total / PARAMETER_ALIGN];
    for (param, &offset) in program.layout().params.iter().zip(&places.offsets) {
        if param.learns() {
            let first = offset / PARAMETER_ALIGN;
            let count = param.len().div_ceil(PARAMETER_ALIGN);
            let penalised = rule.penalised.contains(&param.name) && rule.shrink != Shrink::None;
            flags[first..first + count].fill(if penalised {
                flag::PENALISED
            } else {
                flag::LEARNS
            });
        }
    }
    flags
}

/// What the arena is for, with a batch that would fit where this one does not.
fn activations(gpu: &Gpu, arena_len: usize, batch_size: usize) -> String {
    let needed = arena_len * size_of::<f32>();
    let free = gpu.memory().map_or(usize::MAX, |(free, _)| free);
    let what = format!("the activations of a batch of {batch_size}");
    if needed < free {
        return what;
    }
    // Nearly all of it grows with the batch; a tenth is left for the rest.
    let fits = (batch_size as f64 * 0.9 * free as f64 / needed as f64) as usize;
    if fits == 0 {
        format!("{what} (not even one sequence fits)")
    } else {
        format!("{what} (--batch-size {fits} would fit)")
    }
}

impl Session {
    /// Puts a model's programs and its data on the card; `training` with its program makes it one that learns.
    ///
    /// # Errors
    /// Out of memory: says how much a batch takes.
    pub fn new<S>(
        gpu: &Arc<Gpu>,
        inference: DeviceProgram,
        training: Option<(DeviceProgram, Rule)>,
        samples: &Table<'_, S>,
        settings: SessionSettings,
    ) -> Result<Self> {
        let places = inference.places().clone();
        if let Some((program, _)) = &training
            && *program.places() != places
        {
            return Err(Error::Device(
                "training and prediction differ in their parameters".to_string(),
            ));
        }
        let arena_len = training
            .as_ref()
            .map_or(0, |(program, _)| program.arena_len())
            .max(inference.arena_len());
        let what = activations(gpu, arena_len, settings.batch_size);
        let training = match training {
            None => None,
            Some((program, rule)) => Some(Training {
                grads: gpu.upload(&vec![0.0; places.total], "the gradients")?,
                m: gpu.upload(&vec![0.0; places.total], "the optimizer's moments")?,
                v: gpu.upload(&vec![0.0; places.total], "the optimizer's moments")?,
                flags: gpu.upload(&flags(&program, &rule), "the parameters")?,
                steps: gpu.allocate(1, "the epoch")?,
                losses: gpu.allocate(1, "the epoch")?,
                stopped: gpu.upload(&[0], "the epoch")?,
                tables: Vec::new(),
                graphs: HashMap::new(),
                epoch_rows: 0,
                program,
                rule,
            }),
        };
        Ok(Session {
            data: Resident::new(gpu, samples)?,
            arena: gpu.allocate(arena_len, &what)?,
            params: gpu.upload(&vec![0.0; places.total], "the parameters")?,
            codes: gpu.allocate(settings.batch_size * samples.length, &what)?,
            state: gpu.upload(&[StepState::default()], "the step")?,
            counter: gpu.upload(&[0], "the step")?,
            order: gpu.allocate(1, "the epoch")?,
            batches: gpu.allocate(1, "the epoch")?,
            predictions: gpu.allocate(1, "the predictions")?,
            tables: Vec::new(),
            graphs: HashMap::new(),
            gpu: Arc::clone(gpu),
            inference,
            training,
            settings,
        })
    }

    /// The parameters, with what learns among them.
    pub fn layout(&self) -> &Layout {
        self.training
            .as_ref()
            .map_or(self.inference.layout(), |t| t.program.layout())
    }

    /// Takes over parameters (in the layout's order) and, in training, moments.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn load(&mut self, params: &[f32], moments: Option<(&[f32], &[f32])>) -> Result<()> {
        let layout = self.inference.layout().clone();
        let places = self.inference.places().clone();
        self.gpu
            .write(&mut self.params, &places.spread(&layout, params))?;
        self.tables = self.inference.tables(&self.gpu, params)?;
        if let Some(training) = &mut self.training {
            training.tables = training.program.tables(&self.gpu, params)?;
            if let Some((m, v)) = moments {
                self.gpu
                    .write(&mut training.m, &places.spread(&layout, m))?;
                self.gpu
                    .write(&mut training.v, &places.spread(&layout, v))?;
            }
            // Graphs hold the tables' addresses.
            training.graphs.clear();
        }
        self.graphs.clear();
        Ok(())
    }

    /// Parameters and moments, in the layout's order.
    ///
    /// # Errors
    /// What failed on the card.
    pub fn store(&self) -> Result<(Vec<f32>, Vec<f32>, Vec<f32>)> {
        let (layout, places) = (self.inference.layout(), self.inference.places());
        let read = |buffer: &Buffer<f32>| {
            let mut spread = vec![0.0; places.total];
            self.gpu.read(buffer, &mut spread)?;
            Ok::<_, Error>(places.gather(layout, &spread))
        };
        let (m, v) = match &self.training {
            Some(training) => (read(&training.m)?, read(&training.v)?),
            None => (Vec::new(), Vec::new()),
        };
        Ok((read(&self.params)?, m, v))
    }

    fn memory<'a>(&'a self, tables: &'a [Buffer<u32>], grads: Out<f32>) -> Memory<'a> {
        Memory {
            gpu: &self.gpu,
            arena: self.arena.out(),
            params: self.params.out(),
            grads,
            codes: self.codes.input(),
            state: self.state.input(),
            tables,
            precision: self.settings.precision,
        }
    }

    fn set_order(&mut self, order: &[usize]) -> Result<()> {
        let order: Vec<u32> = order.iter().map(|&row| row as u32).collect();
        if self.order.len() < order.len() {
            self.order = self.gpu.allocate(order.len(), "the order of the rows")?;
            self.graphs.clear();
            if let Some(training) = &mut self.training {
                training.graphs.clear();
            }
        }
        self.gpu.write(&mut self.order, &order)
    }

    fn trained(&self) -> Result<&Training> {
        self.training
            .as_ref()
            .ok_or_else(|| Error::Device("this session was opened for prediction".to_string()))
    }

    /// Rows of a batch.
    fn rows(&self, batch: usize, of: usize) -> usize {
        self.settings
            .batch_size
            .min(of - batch * self.settings.batch_size)
    }

    /// Sends the order of an epoch's rows and the numbers of its steps; `steps_before` were done before its first.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn begin_epoch(&mut self, order: &[usize], lr: f64, steps_before: u64) -> Result<()> {
        self.set_order(order)?;
        let batches = order.len().div_ceil(self.settings.batch_size);
        let (seed, gpu) = (self.settings.seed, Arc::clone(&self.gpu));
        let Some(training) = &mut self.training else {
            return self.trained().map(|_| ());
        };
        let states: Vec<StepState> = (0..batches)
            .map(|batch| {
                let done = steps_before + batch as u64;
                AdamStep::new(lr, training.rule.decay, done + 1).state(seed, batch as u32)
            })
            .collect();
        if training.losses.len() < batches {
            training.steps = gpu.allocate(batches, "the epoch")?;
            training.losses = gpu.allocate(batches, "the epoch")?;
            training.graphs.clear();
        }
        gpu.write(&mut training.steps, &states)?;
        gpu.write(&mut training.stopped, &[0])?;
        training.epoch_rows = order.len();
        Ok(())
    }

    /// Puts one training step on the stream.
    fn put_step(&self, training: &Training, rows: usize) -> Result<()> {
        let gpu = &*self.gpu;
        let memory = self.memory(&training.tables, training.grads.out());
        begin_step_on(
            gpu,
            training.steps.input(),
            self.counter.out(),
            self.state.out(),
        )?;
        let target = training
            .program
            .dense_input(&memory, 0, rows)
            .map_or(Out::NULL, |(place, _)| place);
        self.put_gather(rows, target)?;
        gpu.clear(training.grads.out(), training.grads.len())?;
        training.program.forward(&memory, rows)?;
        training
            .program
            .backward(&memory, rows, (1.0 / rows as f64) as f32)?;
        let (losses, _) = training.program.losses(&memory, rows);
        end_step_on(
            gpu,
            &EndStepLaunch {
                state: self.state.input(),
                row_losses: losses.input(),
                rows,
                losses: training.losses.out(),
                stopped: training.stopped.out(),
            },
        )?;
        training.program.move_buffers(&memory, rows)?;
        update_on(
            gpu,
            &AdamLaunch {
                w: self.params.out(),
                g: training.grads.input(),
                m: training.m.out(),
                v: training.v.out(),
                flags: training.flags.input(),
                total: self.params.len(),
                state: self.state.input(),
                stopped: training.stopped.input(),
                shrink: training.rule.shrink,
            },
        )
    }

    fn put_gather(&self, rows: usize, targets: Out<f32>) -> Result<()> {
        gather_on(
            &self.gpu,
            &GatherLaunch {
                bases: self.data.bases.input(),
                unknown: self.data.unknown.input(),
                signals: self.data.signals.input(),
                order: self.order.input(),
                state: self.state.input(),
                codes: self.codes.out(),
                targets,
                rows,
                batch_size: self.settings.batch_size,
                length: self.data.length,
                outputs: if targets.address() == 0 {
                    0
                } else {
                    self.data.outputs
                },
            },
        )
    }

    /// Runs the steps of these batches of the epoch; the sum of the rows' losses of each. The last one may be a loss that
    /// is not finite: no weight has moved by it or since.
    ///
    /// # Errors
    /// Whatever failed on the card.
    pub fn steps(&mut self, batches: Range<usize>) -> Result<Vec<f64>> {
        self.gpu.write(&mut self.counter, &[batches.start as u32])?;
        for batch in batches.clone() {
            let training = self.trained()?;
            let rows = self.rows(batch, training.epoch_rows);
            if let Some(graph) = training.graphs.get(&rows) {
                graph.launch()?;
                continue;
            }
            self.put_step(training, rows)?;
            if self.settings.graph {
                // The launches above have loaded every kernel; what is recorded now runs from the next batch on.
                let graph = self.gpu.record(|| self.put_step(training, rows))?;
                if let Some(training) = &mut self.training {
                    training.graphs.insert(rows, graph);
                }
            }
        }
        let training = self.trained()?;
        let mut stopped = [0u32];
        self.gpu.read(&training.stopped, &mut stopped)?;
        let mut losses = vec![0.0; batches.len()];
        self.gpu
            .read_at(training.losses.input().at(batches.start), &mut losses)?;
        if stopped[0] > 0 {
            losses.truncate((stopped[0] as usize).saturating_sub(batches.start));
        }
        Ok(losses)
    }

    /// Puts the prediction of one batch on the stream.
    fn put_prediction(&self, rows: usize) -> Result<()> {
        let memory = self.memory(&self.tables, Out::NULL);
        begin_step_on(
            &self.gpu,
            self.batches.input(),
            self.counter.out(),
            self.state.out(),
        )?;
        self.put_gather(rows, Out::NULL)?;
        self.inference.forward(&memory, rows)
    }

    /// Predictions for rows of the data set with the parameters as they are, rows x outputs; `seen` hears how many rows
    /// each batch had.
    ///
    /// # Errors
    /// Whatever failed on the card.
    pub fn predict(&mut self, rows: &[usize], seen: impl Fn(usize)) -> Result<Vec<f32>> {
        self.set_order(rows)?;
        let width = self.inference.output_len();
        let batches = rows.len().div_ceil(self.settings.batch_size);
        if self.predictions.len() < rows.len() * width {
            self.predictions = self.gpu.allocate(rows.len() * width, "the predictions")?;
        }
        if self.batches.len() < batches {
            self.batches = self.gpu.allocate(batches, "the epoch")?;
            self.graphs.clear();
        }
        let states: Vec<StepState> = (0..batches as u32)
            .map(|batch| StepState {
                batch,
                ..StepState::default()
            })
            .collect();
        self.gpu.write(&mut self.batches, &states)?;
        self.gpu.write(&mut self.counter, &[0])?;
        for batch in 0..batches {
            let count = self.rows(batch, rows.len());
            if let Some(graph) = self.graphs.get(&count) {
                graph.launch()?;
            } else {
                self.put_prediction(count)?;
                if self.settings.graph {
                    let graph = self.gpu.record(|| self.put_prediction(count))?;
                    self.graphs.insert(count, graph);
                }
            }
            let memory = self.memory(&self.tables, Out::NULL);
            let (output, len) = self
                .inference
                .value(&memory, self.inference.output(), count);
            let to = self
                .predictions
                .out()
                .at(batch * self.settings.batch_size * width);
            self.gpu.copy(to, output.input(), len)?;
            seen(count);
        }
        let mut out = vec![0.0; rows.len() * width];
        self.gpu.read(&self.predictions, &mut out)?;
        Ok(out)
    }
}
