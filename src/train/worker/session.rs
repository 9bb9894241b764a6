//! Training and prediction on a GPU: parameters, moments and rows are there. The host sends the order of an epoch's rows
//! once, and the rows themselves where they do not stay there; a step is one recorded graph, replayed; losses and outputs
//! come back once in many steps.

use super::planned::{Planned, check_fits};
use super::rows::{DeviceRows, chunks};
use super::rule::{Rule, Tied, flags, ties};
use crate::engine::cuda::{Buffer, DeviceProgram, Gpu, Graph, Memory, Out, Precision, StepState};
use crate::engine::params::Layout;
use crate::optim::adam::{AdamLaunch, AdamStep, update_on};
use crate::train::batch::Source;
use crate::train::model::Model;
use crate::train::worker::step::begin_step::begin_step_on;
use crate::train::worker::step::end_step::{EndStepLaunch, end_step_on};
use crate::train::worker::step::gather::{GatherLaunch, gather_codes_on, gather_numbers_on};
use crate::train::worker::step::keep_outputs::{KeepOutputsLaunch, keep_outputs_on};
use crate::{Error, Result};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// How a session runs.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Rows of a full batch.
    pub batch_size: usize,
    /// Samples of the longest list: an epoch, or what is predicted at a time.
    pub most: usize,
    pub precision: Precision,
    pub seed: u64,
    /// Replay recorded graphs instead of launching every kernel anew.
    pub graph: bool,
}

/// What only training needs.
struct Training<S> {
    /// The running epoch's, in the order of training.
    samples: Vec<S>,
    program: DeviceProgram,
    rule: Rule,
    grads: Buffer<f32>,
    m: Buffer<f32>,
    v: Buffer<f32>,
    /// One for each 64 parameters.
    flags: Buffer<u8>,
    ties: Vec<Tied>,
    /// The steps of the epoch.
    steps: Buffer<StepState>,
    losses: Buffer<f64>,
    stopped: Buffer<u32>,
    tables: Vec<Buffer<u32>>,
    /// By the rows of a batch.
    graphs: HashMap<usize, Graph>,
}

/// A model with its rows on a GPU.
pub struct Session<'a, S: Source> {
    gpu: Arc<Gpu>,
    settings: SessionSettings,
    rows: DeviceRows<'a, S>,
    inference: DeviceProgram,
    training: Option<Training<S::Sample>>,
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
    /// Of all batches of a chunk.
    outputs: Buffer<f32>,
}

/// One step of training, as the host sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStep {
    /// The sum of the rows' losses.
    pub loss: f64,
    /// rows x outputs, before the update; empty where they were not wanted.
    pub outputs: Vec<f32>,
}

impl<'a, S: Source> Session<'a, S> {
    /// Puts a model and its rows on the GPU; a `rule` makes it a session that learns.
    ///
    /// # Errors
    /// An op without kernels; out of memory: says how much a batch takes.
    pub fn new<M: Model>(
        gpu: &Arc<Gpu>,
        model: &M,
        source: &'a S,
        rule: Option<Rule>,
        settings: SessionSettings,
    ) -> Result<Self> {
        let sizes = [settings.batch_size, settings.most];
        check_fits(gpu, model, source, rule.is_some(), sizes)?;
        let planned = Planned::new(model, rule.is_some(), settings.batch_size)?;
        let arena_len = planned.arena_len();
        let Planned {
            inference,
            training: program,
            format,
        } = planned;
        let places = inference.places().clone();
        if program.as_ref().is_some_and(|p| *p.places() != places) {
            return Err(Error::Device(
                "training and prediction differ in their parameters".to_string(),
            ));
        }
        let what = format!("a batch of {}", settings.batch_size);
        let length = format.length;
        let training = match program.zip(rule) {
            None => None,
            Some((program, rule)) => Some(Training {
                samples: Vec::new(),
                grads: gpu.upload(&vec![0.0; places.total], "the gradients")?,
                m: gpu.upload(&vec![0.0; places.total], "the optimizer's moments")?,
                v: gpu.upload(&vec![0.0; places.total], "the optimizer's moments")?,
                flags: gpu.upload(&flags(&program, &rule), "the parameters")?,
                ties: ties(gpu, &program)?,
                steps: gpu.allocate(1, "the epoch")?,
                losses: gpu.allocate(1, "the epoch")?,
                stopped: gpu.upload(&[0], "the epoch")?,
                tables: Vec::new(),
                graphs: HashMap::new(),
                program,
                rule,
            }),
        };
        let arena = gpu.allocate(arena_len, &what)?;
        let codes = gpu.allocate(settings.batch_size * length, &what)?;
        let rows = DeviceRows::new(
            gpu,
            source,
            format,
            settings.batch_size,
            settings.most,
            &what,
        )?;
        let kept = rows.stride() * settings.batch_size * inference.output_len();
        Ok(Session {
            rows,
            arena,
            codes,
            params: gpu.upload(&vec![0.0; places.total], "the parameters")?,
            state: gpu.upload(&[StepState::default()], "the step")?,
            counter: gpu.upload(&[0], "the step")?,
            order: gpu.allocate(1, "the epoch")?,
            batches: gpu.allocate(1, "the epoch")?,
            outputs: gpu.allocate(kept, "the outputs of some batches")?,
            tables: Vec::new(),
            graphs: HashMap::new(),
            gpu: Arc::clone(gpu),
            inference,
            training,
            settings,
        })
    }

    /// Batches that one call of [`Session::steps`] should get.
    pub fn stride(&self) -> usize {
        self.rows.stride()
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

    fn memory<'m>(&'m self, tables: &'m [Buffer<u32>], grads: Out<f32>) -> Memory<'m> {
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

    /// Begins another list of samples.
    fn set_order(&mut self, samples: &[S::Sample]) -> Result<()> {
        let order = self.rows.begin(samples);
        if self.order.len() < order.len() {
            self.order = self.gpu.allocate(order.len(), "the order of the rows")?;
            self.graphs.clear();
            if let Some(training) = &mut self.training {
                training.graphs.clear();
            }
        }
        self.gpu.write(&mut self.order, &order)
    }

    /// The samples of the running epoch.
    pub fn epoch(&self) -> &[S::Sample] {
        self.training.as_ref().map_or(&[], |t| &t.samples)
    }

    fn trained(&self) -> Result<&Training<S::Sample>> {
        self.training
            .as_ref()
            .ok_or_else(|| Error::Device("this session was opened for prediction".to_string()))
    }

    /// Rows of a batch.
    fn rows_of(&self, batch: usize, of: usize) -> usize {
        self.settings
            .batch_size
            .min(of - batch * self.settings.batch_size)
    }

    /// Begins an epoch: its samples in the order of training, and the numbers of its steps; `steps_before` were done before
    /// its first.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn begin_epoch(
        &mut self,
        samples: Vec<S::Sample>,
        lr: f64,
        steps_before: u64,
    ) -> Result<()> {
        self.set_order(&samples)?;
        let batches = samples.len().div_ceil(self.settings.batch_size);
        let (seed, gpu) = (self.settings.seed, Arc::clone(&self.gpu));
        let Some(training) = &mut self.training else {
            return self.trained().map(|_| ());
        };
        let states: Vec<StepState> = (0..batches)
            .map(|batch| {
                let done = steps_before + batch as u64;
                let step = AdamStep {
                    form: training.rule.form,
                    ..AdamStep::new(lr, training.rule.decay, done + 1)
                };
                step.state(seed, batch as u32)
            })
            .collect();
        if training.losses.len() < batches {
            training.steps = gpu.allocate(batches, "the epoch")?;
            training.losses = gpu.allocate(batches, "the epoch")?;
            training.graphs.clear();
        }
        gpu.write(&mut training.steps, &states)?;
        gpu.write(&mut training.stopped, &[0])?;
        training.samples = samples;
        Ok(())
    }

    /// Puts one training step on the stream.
    fn put_step(&self, training: &Training<S::Sample>, rows: usize) -> Result<()> {
        let gpu = &*self.gpu;
        let memory = self.memory(&training.tables, training.grads.out());
        begin_step_on(
            gpu,
            training.steps.input(),
            self.counter.out(),
            self.state.out(),
        )?;
        self.put_gather(&training.program, &memory, rows)?;
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
        self.put_outputs(&training.program, &memory, rows)?;
        training.program.move_buffers(&memory, rows)?;
        for tied in &training.ties {
            tied.put(gpu, training.grads.out())?;
        }
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

    /// Puts the batch's base codes and dense inputs on the stream.
    fn put_gather(&self, program: &DeviceProgram, memory: &Memory<'_>, rows: usize) -> Result<()> {
        let batch = GatherLaunch {
            format: self.rows.format(),
            words: self.rows.words().input(),
            order: self.order.input(),
            state: self.state.input(),
            rows,
            batch_size: self.settings.batch_size,
        };
        gather_codes_on(&self.gpu, &batch, self.codes.out())?;
        for list in 0..batch.format.lists().count() {
            if let Some((place, _)) = program.dense_input(memory, list, rows) {
                gather_numbers_on(&self.gpu, &batch, list, place)?;
            }
        }
        Ok(())
    }

    fn put_outputs(&self, program: &DeviceProgram, memory: &Memory<'_>, rows: usize) -> Result<()> {
        let (outputs, count) = program.value(memory, program.output(), rows);
        keep_outputs_on(
            &self.gpu,
            &KeepOutputsLaunch {
                outputs: outputs.input(),
                count,
                state: self.state.input(),
                kept: self.outputs.out(),
                batches: self.rows.stride(),
                full: self.settings.batch_size * program.output_len(),
            },
        )
    }

    /// The outputs of batches of one chunk, of a list of `of` samples.
    fn read_outputs(&self, batches: Range<usize>, of: usize) -> Result<Vec<f32>> {
        let (size, width) = (self.settings.batch_size, self.inference.output_len());
        let first = batches.start % self.rows.stride() * size * width;
        let rows = (batches.end * size).min(of) - batches.start * size;
        let mut outputs = vec![0.0; rows * width];
        self.gpu
            .read_at(self.outputs.input().at(first), &mut outputs)?;
        Ok(outputs)
    }

    /// Runs the steps of these batches of the epoch, with their outputs where they are wanted. The last one may have a loss
    /// that is not finite: no weight has moved by it or since.
    ///
    /// # Errors
    /// Whatever failed on the card.
    pub fn steps(&mut self, batches: Range<usize>, outputs: bool) -> Result<Vec<SessionStep>> {
        let mut done = Vec::with_capacity(batches.len());
        for (chunk, batches) in chunks(self.stride(), batches) {
            let gpu = Arc::clone(&self.gpu);
            gpu.write(&mut self.counter, &[batches.start as u32])?;
            self.send(chunk)?;
            self.rows.take(&gpu, chunk)?;
            for batch in batches.clone() {
                self.step(batch)?;
            }
            self.rows.free(&gpu, chunk)?;
            // While the GPU works.
            self.send(chunk + 1)?;
            if !self.look(batches, outputs, &mut done)? {
                break;
            }
        }
        Ok(done)
    }

    /// Sends a chunk of the epoch, if there is such a one.
    fn send(&mut self, chunk: usize) -> Result<()> {
        match &self.training {
            Some(training) => self.rows.send(&self.gpu, &training.samples, chunk),
            None => Ok(()),
        }
    }

    /// Puts a step on the stream, as a graph where there is one.
    fn step(&mut self, batch: usize) -> Result<()> {
        let training = self.trained()?;
        let rows = self.rows_of(batch, training.samples.len());
        if let Some(graph) = training.graphs.get(&rows) {
            return graph.launch();
        }
        self.put_step(training, rows)?;
        if self.settings.graph {
            // The launches above have loaded every kernel; what is recorded now runs from the next batch on.
            let graph = self.gpu.record(|| self.put_step(training, rows))?;
            if let Some(training) = &mut self.training {
                training.graphs.insert(rows, graph);
            }
        }
        Ok(())
    }

    /// Waits for the steps of batches of one chunk and adds what they gave; whether all losses were finite.
    fn look(
        &self,
        batches: Range<usize>,
        outputs: bool,
        done: &mut Vec<SessionStep>,
    ) -> Result<bool> {
        let training = self.trained()?;
        let mut stopped = [0u32];
        self.gpu.read(&training.stopped, &mut stopped)?;
        let mut losses = vec![0.0; batches.len()];
        self.gpu
            .read_at(training.losses.input().at(batches.start), &mut losses)?;
        if stopped[0] > 0 {
            losses.truncate((stopped[0] as usize).saturating_sub(batches.start));
        }
        let all = training.samples.len();
        let kept = match outputs {
            true => self.read_outputs(batches.clone(), all)?,
            false => Vec::new(),
        };
        let mut rest = kept.as_slice();
        for (batch, loss) in batches.zip(losses) {
            let count = self.rows_of(batch, all) * self.inference.output_len();
            let (own, after) = rest.split_at(count.min(rest.len()));
            rest = after;
            done.push(SessionStep {
                loss,
                outputs: own.to_vec(),
            });
        }
        Ok(stopped[0] == 0)
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
        self.put_gather(&self.inference, &memory, rows)?;
        self.inference.forward(&memory, rows)?;
        self.put_outputs(&self.inference, &memory, rows)
    }

    /// Shows the outputs of samples, with the parameters as they are, chunk after chunk: which samples, rows x outputs.
    ///
    /// # Errors
    /// Whatever failed on the card; those of `each`.
    pub fn predict(
        &mut self,
        samples: &[S::Sample],
        mut each: impl FnMut(Range<usize>, &[f32]) -> Result<()>,
    ) -> Result<()> {
        self.set_order(samples)?;
        let size = self.settings.batch_size;
        let batches = samples.len().div_ceil(size);
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
        for (chunk, batches) in chunks(self.stride(), 0..batches) {
            self.rows.send(&self.gpu, samples, chunk)?;
            self.rows.take(&self.gpu, chunk)?;
            for batch in batches.clone() {
                self.prediction(self.rows_of(batch, samples.len()))?;
            }
            self.rows.free(&self.gpu, chunk)?;
            // While the GPU works.
            self.rows.send(&self.gpu, samples, chunk + 1)?;
            let outputs = self.read_outputs(batches.clone(), samples.len())?;
            each(
                batches.start * size..(batches.end * size).min(samples.len()),
                &outputs,
            )?;
        }
        Ok(())
    }

    /// Puts the prediction of the next batch on the stream, as a graph where there is one.
    fn prediction(&mut self, rows: usize) -> Result<()> {
        if let Some(graph) = self.graphs.get(&rows) {
            return graph.launch();
        }
        self.put_prediction(rows)?;
        if self.settings.graph {
            let graph = self.gpu.record(|| self.put_prediction(rows))?;
            self.graphs.insert(rows, graph);
        }
        Ok(())
    }
}
