//! `cisgrad tisfm select`: a sparse path chooses motifs, a model of these is fitted anew, and its kernels are trained for a short while.

use super::input_args::InputArgs;
use super::train::{self, Around, PenaltyType, Rules};
use crate::args::numbers::{number, one_or_more, zero_or_more};
use crate::args::{DeviceArgs, PrecisionArg, outputs};
use crate::dna::motif::Motif;
use crate::io::atomic::write_atomic;
use crate::io::meme::{parse_meme, write_meme};
use crate::io::sources::Sources;
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::penalty_path::{self, Row, step_folder};
use crate::models::tisfm::pick::Pick;
use crate::models::tisfm::saved;
use crate::numbers::{counted, rounded};
use crate::report::progress::Reporter;
use crate::train::folder::CONFIG;
use crate::train::folder::config::own_flag;
use crate::train::model::Kinds;
use crate::{Error, Result};
use clap::Parser;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: InputArgs,
    /// Folder to make; each stage has a model folder of its own there: path, refit, kernels
    #[arg(long, visible_alias = "model-output", value_name = "DIR")]
    out: PathBuf,
    /// Which step of the path says which motifs stay: min, that of the lowest validation loss, or 1se, the largest penalty within one
    /// standard error of it
    #[arg(long, default_value = "min", value_name = "RULE")]
    pick: Pick,
    /// The path's strengths: NUM from START to STOP, their logarithms evenly spaced, and 0
    #[arg(long, num_args = 3, value_names = ["START", "STOP", "NUM"], default_values_t = PENALTIES, allow_negative_numbers = true, value_parser = number)]
    penalty_param_range: Vec<f64>,
    /// Penalty of the path: l1, or mcp, which leaves large weights unshrunk
    #[arg(long, default_value = "mcp", value_name = "TYPE")]
    penalty_type: PenaltyType,
    /// Fit the motifs that stay without the gate between motifs (architecture plain, not plain_gate)
    #[arg(long)]
    no_gate: bool,
    /// Passes over the training sequences at most, at each step of the path
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = one_or_more::<u64>)]
    path_epochs: u64,
    /// Passes over the training sequences when the model is fitted anew
    #[arg(long, default_value_t = 14, value_name = "N", value_parser = one_or_more::<u64>)]
    refit_epochs: u64,
    /// Passes over the training sequences in which the kernels learn too; 0: they stay as they are
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = zero_or_more::<u64>)]
    kernel_epochs: u64,
    /// Learning rate while the kernels learn
    #[arg(long, default_value_t = 0.001, value_name = "LR", value_parser = number)]
    kernel_lr: f64,
    /// Seed of initial values, shuffling and random splits
    #[arg(long, default_value_t = 0, value_parser = zero_or_more::<u64>)]
    seed: u64,
    /// Go on where a run into the same folder stopped
    #[arg(long)]
    resume: bool,
    /// Arithmetic and weights: f32, f64 (the reference) or bf16 (GPU)
    #[arg(long, default_value = "f32", value_name = "TYPE")]
    precision: PrecisionArg,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Strengths that leave all motifs to none where it was tried (docs/benchmarks.md).
const PENALTIES: [f64; 3] = [0.03, 3.0, 7.0];

/// The flags of `cisgrad tisfm train`, as a stage gives them.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Stage {
    #[command(flatten)]
    args: train::Args,
}

/// The folders and the file of motifs in `--out`.
const PATH: &str = "path";
const REFIT: &str = "refit";
const KERNELS: &str = "kernels";
const MOTIFS: &str = "motifs.meme";

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    args.check()?;
    args.check_out()?;
    let path = args.path_stage()?;
    let spec = path.checked()?;
    let around = Around {
        known,
        device: &args.device.open(Some(args.precision.precision()))?,
        sources: &Sources::new(),
        reporter: &Reporter::new(),
        more: true,
        rules: &Rules::default(),
        begins: &|| Ok(()),
    };
    let say = |text: &str| around.reporter.line(text);
    say(&format!(
        "{}: the penalty path",
        args.folder(PATH).display()
    ));
    train::run_one(&path, spec, &around)?;

    let motifs = args.survivors(&around)?;
    let file = args.folder(MOTIFS);
    args.write_motifs(&file, &motifs)?;
    let refit = args.refit_stage(&file)?;
    say(&format!(
        "{}: {} fitted anew",
        args.folder(REFIT).display(),
        counted(motifs.len(), "motif")
    ));
    train::run_one(&refit, refit.checked()?, &around)?;
    if args.kernel_epochs > 0 {
        let kernels = args.kernel_stage(&file)?;
        say(&format!(
            "{}: their kernels learn, each within its own columns and with both strands as one",
            args.folder(KERNELS).display()
        ));
        train::run_one(&kernels, kernels.checked()?, &around)?;
    }
    let last = args.folder(if args.kernel_epochs > 0 {
        KERNELS
    } else {
        REFIT
    });
    say(&format!("the model: {}", last.display()));
    Ok(())
}

impl Args {
    fn folder(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    fn check(&self) -> Result<()> {
        self.inputs.check()?;
        if self.inputs.meme_file.is_none() {
            return Err(Error::usage(
                "--meme-file FILE is needed: the motifs to select from",
            ));
        }
        if !(self.kernel_lr > 0.0 && self.kernel_lr.is_finite()) {
            return Err(Error::usage(format!(
                "--kernel-lr {}: expected a number above 0",
                self.kernel_lr
            )));
        }
        if let [_, _, count] = self.penalty_param_range[..]
            && count < 2.0
        {
            return Err(Error::usage(format!(
                "--penalty-param-range: NUM is {count}; expected 2 or more strengths to select among"
            )));
        }
        Ok(())
    }

    /// What every stage is given.
    fn shared(&self, inputs: &InputArgs, folder: &str) -> Vec<OsString> {
        let mut flags = inputs.flags();
        let mut more = |words: &[&dyn AsRef<std::ffi::OsStr>]| {
            flags.extend(words.iter().map(|word| word.as_ref().to_owned()));
        };
        let seed = self.seed.to_string();
        more(&[&"--model-output", &self.folder(folder), &"--seed", &seed]);
        more(&[&"--recipe", &"recommended"]);
        more(&[&"--precision", &self.precision.name()]);
        if self.resume {
            more(&[&"--resume"]);
        }
        flags
    }

    fn stage(&self, mut flags: Vec<OsString>, own: &[&str]) -> Result<train::Args> {
        flags.extend(own.iter().map(OsString::from));
        let stage = Stage::try_parse_from(flags);
        // Its flags are this command's own, and were looked at by its parser.
        let stage = stage.map_err(|e| Error::usage(e.to_string()))?;
        Ok(stage.args)
    }

    fn path_stage(&self) -> Result<train::Args> {
        let epochs = self.path_epochs.to_string();
        let range: Vec<String> = self
            .penalty_param_range
            .iter()
            .map(f64::to_string)
            .collect();
        let mut own = vec!["--architecture", "plain", "--number-of-epochs", &epochs];
        // Steps are picked by their losses.
        own.extend(["--best-by", "loss", "--stop-after", "2", "--no-baselines"]);
        own.extend(["--penalty-type", self.penalty_type.name()]);
        own.push("--penalty-param-range");
        own.extend(range.iter().map(String::as_str));
        own.push("--log-penalty-param-range");
        self.stage(self.shared(&self.inputs, PATH), &own)
    }

    /// The two stages after it read the motifs that stay.
    fn with_motifs(&self, motifs: &Path, folder: &str) -> Vec<OsString> {
        let mut inputs = self.inputs.clone();
        inputs.meme_file = Some(motifs.to_path_buf());
        let mut flags = self.shared(&inputs, folder);
        let architecture = if self.no_gate { "plain" } else { "plain_gate" };
        flags.extend(["--architecture", architecture].map(OsString::from));
        flags
    }

    fn refit_stage(&self, motifs: &Path) -> Result<train::Args> {
        let epochs = self.refit_epochs.to_string();
        let flags = self.with_motifs(motifs, REFIT);
        self.stage(flags, &["--number-of-epochs", &epochs])
    }

    fn kernel_stage(&self, motifs: &Path) -> Result<train::Args> {
        let (epochs, lr) = (self.kernel_epochs.to_string(), self.kernel_lr.to_string());
        let mut flags = self.with_motifs(motifs, KERNELS);
        flags.extend([OsString::from("--model"), self.folder(REFIT).into()]);
        let own = ["--tie-kernels", "--number-of-epochs", &epochs, "--lr", &lr];
        self.stage(flags, &own)
    }

    /// The motifs that have a weight in any output at the step that `--pick` names.
    fn survivors(&self, around: &Around<'_>) -> Result<Vec<Motif>> {
        let folder = self.folder(PATH);
        let rows = penalty_path::read_rows(&folder)?;
        let name = self.pick.name();
        let picks = |row: &&Row| row.picked.iter().any(|rule| rule == name);
        let Some(row) = rows.iter().find(picks) else {
            return Err(Error::invalid(format!(
                "{}: no step is marked {name}",
                folder.display()
            )));
        };
        let step = step_folder(&folder, row.step);
        let layer = FinalLayer::of(&saved::open(&step, around.known)?)?;
        let kept = layer.kept();
        let file = self.inputs.meme_file.as_deref().unwrap_or(Path::new(""));
        let all = parse_meme(around.sources.lines(file)?, &mut Vec::new())?;
        around.reporter.line(&format!(
            "{name}: path_{} (lambda {}) keeps {} of {}",
            row.step,
            rounded(row.lambda),
            kept.len(),
            counted(all.len(), "motif")
        ));
        if kept.is_empty() {
            return Err(Error::invalid(format!(
                "no motif has a weight at the step that --pick {name} names ({}): the penalties are too large (--penalty-param-range), or the motifs say nothing about these signals",
                step.display()
            )));
        }
        let all = all.into_iter().enumerate();
        let kept = all.filter(|(place, _)| kept.contains(place));
        Ok(kept.map(|(_, motif)| motif).collect())
    }

    /// Looks at `--out` before any work.
    ///
    /// # Errors
    /// It is a file; it holds an input; it holds a stage's folder or a file of the name that the motifs get, and this run does not go on
    /// with those; what the kernels started from would change.
    fn check_out(&self) -> Result<()> {
        let (out, motifs) = (self.out.display(), self.folder(MOTIFS));
        outputs::check_apart(&[("--out", &motifs)], &self.inputs.files())?;
        let [path, refit, kernels] = [PATH, REFIT, KERNELS].map(|stage| self.folder(stage));
        let began = |path: &PathBuf| path.join(CONFIG).is_file();
        // A path that was killed before it wrote anything is begun anew.
        let nothing = |name: &PathBuf| *name == path && path.is_dir() && !began(name);
        let there = |name: &&PathBuf| name.symlink_metadata().is_ok() && !nothing(name);
        let found = [&path, &motifs, &refit, &kernels].into_iter().find(there);
        match (found, self.resume) {
            (Some(found), false) => {
                return Err(Error::invalid(format!(
                    "{} is there already: choose another --out{}",
                    found.display(),
                    if began(&path) {
                        ", or go on with --resume"
                    } else {
                        ""
                    }
                )));
            }
            (Some(found), true) if !began(&path) => {
                return Err(Error::invalid(format!(
                    "--resume: {out} holds {} but no {PATH} that this command began: choose another --out",
                    found.display()
                )));
            }
            _ => {}
        }
        let before = own_flag(&refit, "number_of_epochs");
        match before {
            Some(before) if kernels.join(CONFIG).is_file() && before != self.refit_epochs => {
                Err(Error::invalid(format!(
                    "--resume: {0} started from what {1} had after {before} epochs at most, and --refit-epochs {2} would change that: give the same number, or remove {0} to train it anew",
                    kernels.display(),
                    refit.display(),
                    self.refit_epochs
                )))
            }
            _ => Ok(()),
        }
    }

    /// Writes the motifs that stay; a file that says the same is left alone.
    ///
    /// # Errors
    /// A model was fitted of others.
    fn write_motifs(&self, file: &Path, motifs: &[Motif]) -> Result<()> {
        let mut text = Vec::new();
        write_meme(&mut text, motifs).map_err(|e| Error::io(file, e))?;
        let refit = self.folder(REFIT);
        match std::fs::read(file) {
            Ok(before) if before == text => Ok(()),
            Ok(_) if refit.join(CONFIG).is_file() => Err(Error::invalid(format!(
                "--resume: {} was fitted with other motifs, those of {}, than the {} that --pick {} chooses now: give the same --pick, or choose another --out",
                refit.display(),
                file.display(),
                motifs.len(),
                self.pick.name()
            ))),
            _ => write_atomic(file, |w| w.write_all(&text)),
        }
    }
}
