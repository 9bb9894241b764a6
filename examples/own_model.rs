//! A kind of model of one's own, with the library's public interface alone: which bases of a sequence lie in a motif's
//! site? The network, its samples, its loss and its output, a probability for each base, are defined here; the trainer, the
//! model folder, the resume check and the predictor are the library's.
//!
//! `cargo run --release --example own_model -- FOLDER` trains in FOLDER, goes on with `--resume`, predicts, and says how
//! well; docs/architecture.md walks through it.

use cisgrad::data::Notes;
use cisgrad::engine::{Codes, Device, Init, Philox, Real, Tape};
use cisgrad::ops::activation::{Activation, activation};
use cisgrad::ops::binary_cross_entropy::binary_cross_entropy;
use cisgrad::ops::conv1d::conv1d;
use cisgrad::ops::one_hot::one_hot;
use cisgrad::optim::{OptimizerSettings, Schedule, Shrink};
use cisgrad::report::progress::Reporter;
use cisgrad::train::batch::{Row, Samples, Source};
use cisgrad::train::folder::claim::{Claim, Entry};
use cisgrad::train::folder::config::{Config, Described, Difference, Precision};
use cisgrad::train::folder::open::Opened;
use cisgrad::train::model::{Kind, Measure, Model, Processor, Purpose, Recorded, RowShape, Tally};
use cisgrad::train::predictor::Predictor;
use cisgrad::train::{BestBy, TrainSettings, Trainer, interrupt};
use cisgrad::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What folders and messages call it.
static KIND: Kind = Kind {
    name: "sites",
    title: "site",
    predict: "own_model FOLDER",
    old_key: None,
    rows: "sequences",
    rate: "sequences_per_s",
    sizes: "length, kernels and width",
    remedy: "a smaller learning rate may help",
    again: "or go on with --resume",
    restart: "or remove it",
    reuse: "it can be used again",
    files: &[],
    parts: None,
    free_flags: &["epochs"],
};

/// The network: a convolution over the bases, ReLU, a second one to a number for each base, a sigmoid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sites {
    length: usize,
    kernels: usize,
    /// Bases under a kernel; odd, so that a kernel has a middle.
    width: usize,
}

impl Described for Sites {
    fn check(&self) -> std::result::Result<(), String> {
        if self.width.is_multiple_of(2) || self.width > self.length {
            return Err(format!("kernels of {} bases", self.width));
        }
        Ok(())
    }

    fn difference(&self, now: &Self) -> Option<Difference> {
        Difference::among([("network", format!("{self:?}"), format!("{now:?}"))])
    }
}

impl Model for Sites {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn row(&self) -> RowShape {
        RowShape {
            length: self.length,
            dense: Vec::new(),
            // A vector along the positions, and so is its target.
            targets: self.length,
            outputs: self.length,
        }
    }

    fn record<T: Real>(
        &self,
        tape: &mut Tape<T>,
        purpose: Purpose,
        _on: Processor,
    ) -> Result<Recorded> {
        let (k, w, half) = (self.kernels, self.width, self.width / 2);
        let first = tape.param("first.weight", &[k, 4, w], Init::Uniform(0.3));
        let first_bias = tape.param("first.bias", &[k], Init::Constant(0.0));
        let last = tape.param("last.weight", &[1, k, w], Init::Uniform(0.1));
        let last_bias = tape.param("last.bias", &[1], Init::Constant(0.0));
        let x = one_hot(tape, Codes::Row, self.length);
        let x = conv1d(tape, x, first, Some(first_bias), half, w);
        let x = activation(tape, x, Activation::Relu);
        let x = conv1d(tape, x, last, Some(last_bias), half, w);
        let output = activation(tape, x, Activation::Sigmoid);
        let loss = match purpose {
            Purpose::Predict => None,
            Purpose::Train => {
                let target = tape.dense_input(&[1, self.length]);
                Some(binary_cross_entropy(tape, output, target))
            }
        };
        Ok(Recorded { output, loss })
    }

    /// The cross-entropy, as the loss has it.
    fn tally<T: Real>(&self, outputs: &[T], targets: &[f64], tally: &mut Tally) {
        for (p, &y) in outputs.iter().zip(targets) {
            let p = p.f64().clamp(1e-7, 1.0 - 1e-7);
            tally.sum -= y * p.ln() + (1.0 - y) * (1.0 - p).ln();
        }
        tally.count += outputs.len() as f64;
    }

    fn measures(&self) -> &'static [Measure] {
        const ACCURACY: Measure = Measure {
            name: "accuracy",
            of: |p, y| f64::from(u8::from((p > 0.5) == (y > 0.5))),
        };
        &[ACCURACY]
    }
}

/// Random sequences, each with a few sites of one motif; a sample is a sequence's number, which is all that it is made of.
struct Planted {
    length: usize,
    train: u64,
    validation: Vec<u64>,
    seed: u64,
}

/// Matches of the motif: T G A C/G T C A, the site of AP-1.
const MOTIF: [&[u8]; 7] = [&[3], &[2], &[0], &[1, 2], &[3], &[1], &[0]];
const SITES: u64 = 4;

impl Planted {
    /// Base codes, and which bases lie in a site.
    fn sequence(&self, number: u64) -> (Vec<u8>, Vec<f64>) {
        let philox = Philox::new(self.seed);
        let random =
            |i: u64, below: usize| (philox.uniform(number, i) * below as f64) as usize % below;
        let length = self.length;
        let mut codes: Vec<u8> = (0..length).map(|i| random(i as u64, 4) as u8).collect();
        let mut inside = vec![0.0; length];
        for site in 0..SITES {
            let draw = (length as u64) + site * 16;
            let at = random(draw, length - MOTIF.len() + 1);
            for (i, bases) in MOTIF.iter().enumerate() {
                codes[at + i] = bases[random(draw + 1 + i as u64, bases.len())];
            }
        }
        // Sites may overlap, and chance makes more of them: what counts is what is there in the end.
        let matches = |at: &usize| {
            let here = codes[*at..*at + MOTIF.len()].iter();
            here.zip(MOTIF).all(|(code, bases)| bases.contains(code))
        };
        for at in (0..=length - MOTIF.len()).filter(matches) {
            inside[at..at + MOTIF.len()].fill(1.0);
        }
        (codes, inside)
    }
}

impl Source for Planted {
    type Sample = u64;

    fn fill(&self, number: &u64, row: &mut Row<'_>) {
        row.codes.copy_from_slice(&self.sequence(*number).0);
    }

    fn targets(&self, number: &u64, targets: &mut [f64]) {
        targets.copy_from_slice(&self.sequence(*number).1);
    }
}

impl Samples for Planted {
    /// Other sequences in every epoch.
    fn epoch(&self, epoch: u64) -> Result<(Vec<u64>, Notes)> {
        let first = 1000 + epoch * self.train;
        Ok(((first..first + self.train).collect(), Notes::new()))
    }

    fn validation(&self) -> &[u64] {
        &self.validation
    }

    fn most(&self) -> usize {
        (self.train as usize).max(self.validation.len())
    }
}

/// What the command line says.
struct Arguments {
    folder: PathBuf,
    epochs: u64,
    resume: bool,
}

impl Arguments {
    fn read() -> Result<Self> {
        let usage = || Error::usage("own_model FOLDER [--epochs N] [--resume]");
        let mut words = std::env::args().skip(1);
        let mut arguments = Arguments {
            folder: words.next().ok_or_else(usage)?.into(),
            epochs: 4,
            resume: false,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--resume" => arguments.resume = true,
                "--epochs" => {
                    let number = words.next().and_then(|n| n.parse().ok());
                    arguments.epochs = number.ok_or_else(usage)?;
                }
                _ => return Err(usage()),
            }
        }
        Ok(arguments)
    }
}

const BATCH: usize = 32;
const LEARNING_RATE: f64 = 0.005;

fn train(arguments: &Arguments, sites: &Sites, planted: &Planted, device: &Device) -> Result<()> {
    let mut config = Config {
        version: env!("CARGO_PKG_VERSION").to_string(),
        kind: KIND.name.to_string(),
        model: sites.clone(),
        precision: Precision::F32,
        files: Vec::new(),
        // All that the numbers depend on, so that --resume sees when it has changed.
        flags: [
            ("epochs".to_string(), arguments.epochs.into()),
            ("batch_size".to_string(), BATCH.into()),
            ("learning_rate".to_string(), LEARNING_RATE.into()),
            ("sequences".to_string(), planted.train.into()),
            ("seed".to_string(), planted.seed.into()),
        ]
        .into_iter()
        .collect(),
    };
    let claim = Claim {
        folder: &arguments.folder,
        flag: "folder",
        entry: match arguments.resume {
            true => Entry::Resume,
            false => Entry::Free,
        },
        kind: &KIND,
        known: &[&KIND],
    };
    // A real command reads its inputs between the look at the folder and the first write.
    claim.check(&config)?;
    let reporter = Reporter::new();
    if let Some(note) = claim.starts_anew()? {
        reporter.line(&note);
    }
    interrupt::watch();
    let layout = sites.layout()?;
    let _lock = claim.take::<f32, _>(&mut config, &layout)?;
    config.write(&arguments.folder)?;
    let trainer = Trainer {
        model: sites,
        samples: planted,
        settings: TrainSettings {
            epochs: arguments.epochs,
            batch_size: BATCH,
            lr: LEARNING_RATE,
            schedule: Schedule::Constant { patience: 10 },
            optimizer: OptimizerSettings::adamw(Shrink::None, Vec::new()),
            seed: planted.seed,
            drop_last: false,
            save_all: false,
            save_train_best: false,
            best_by: BestBy::Loss,
            warmup: 0,
            anneal: false,
            stop_after: None,
            epochs_before: 0,
            log_dir: None,
        },
        folder: &arguments.folder,
        device,
        precision: Precision::F32,
        reporter: &reporter,
        begins: &|| Ok(()),
    };
    let params: Vec<f32> = layout.initialise(planted.seed);
    let outcome = trainer.run(params, arguments.resume)?;
    reporter.line(&outcome.describe(&arguments.folder));
    Ok(())
}

/// Predicts sequences that no epoch has seen; of the bases called inside a site, and of those that are, the shares that
/// are right.
fn predict(folder: &Path, planted: &Planted, device: &Device) -> Result<()> {
    let model = Opened::<Sites>::read(folder, &KIND, &[&KIND])?;
    let sites = &model.config.model;
    let params = model.params::<f32>(&sites.layout()?)?;
    let numbers: Vec<u64> = (500..700).collect();
    let (f32s, most) = (Precision::F32, numbers.len());
    let mut predictor = Predictor::new(device, f32s, sites, params, planted, 32, most)?;
    let found = predictor.predict(&numbers, |_| {})?;
    let (mut called, mut inside, mut right) = (0, 0, 0);
    for (number, found) in numbers.iter().zip(found.chunks(sites.length)) {
        for (p, y) in found.iter().zip(planted.sequence(*number).1) {
            let (p, y) = (*p > 0.5, y > 0.5);
            called += usize::from(p);
            inside += usize::from(y);
            right += usize::from(p && y);
        }
    }
    let share = |of: usize| right as f64 / of.max(1) as f64;
    println!("precision\trecall");
    println!("{:.3}\t{:.3}", share(called), share(inside));
    Ok(())
}

fn run() -> Result<()> {
    let arguments = Arguments::read()?;
    let sites = Sites {
        length: 100,
        kernels: 16,
        width: 9,
    };
    let planted = Planted {
        length: sites.length,
        train: 2000,
        validation: (0..200).collect(),
        seed: 5,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let device = Device::Cpu { threads };
    train(&arguments, &sites, &planted, &device)?;
    predict(&arguments.folder, &planted, &device)
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::from(match error {
                Error::Usage(_) => 2,
                Error::Interrupted => 130,
                _ => 1,
            })
        }
    }
}
