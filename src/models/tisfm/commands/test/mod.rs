//! `cisgrad tisfm test`: the flags of the original's test_model.py, and ours.

mod ensemble;
mod final_layer;
mod path;
mod stat_out;

use super::data_args::{DataArgs, check_outputs, check_response_num, read};
use super::model_args::ModelArgs;
use crate::args::numbers::one_or_more;
use crate::args::{Digits, emit, say};
use crate::data::Notes;
use crate::data::dataset::Dataset;
use crate::data::split::rows::{PARTS, Split};
use crate::data::uninformative::{unmeasurable, without_bases};
use crate::engine::Device;
use crate::io::grown_table::GrownTable;
use crate::io::meme::parse_meme;
use crate::io::signals::RowColumns;
use crate::io::sources::Sources;
use crate::metrics::{deviation, mean};
use crate::models::tisfm::baselines::{Baseline, baselines};
use crate::models::tisfm::beside_rules::{COLUMNS, beside, fields, told};
use crate::models::tisfm::measured::{Score, scores};
use crate::models::tisfm::members::Members;
use crate::models::tisfm::samples::Rows;
use crate::models::tisfm::saved::SavedModel;
use crate::models::tisfm::{MotifKernels, builtin, foreign, saved};
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::train::folder::config::{Precision, no_model};
use crate::train::folder::{CONFIG, ENSEMBLE, weights_file, weights_in_folder};
use crate::train::model::Kinds;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Use the validation part of the split instead of the test part
    #[arg(long)]
    use_validation: bool,
    /// Must agree with the model; needed where --model is the original's file of weights
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// Must agree with the model; needed where --model is the original's file of weights
    #[arg(long, value_name = "FILE")]
    meme_file: Option<PathBuf>,
    /// Must agree with the model
    #[arg(long, value_name = "BASES", value_parser = one_or_more::<usize>)]
    window_size: Option<usize>,
    /// Accepted and ignored: the original's name of the Python class
    #[arg(long, value_name = "NAME")]
    class_name: Option<String>,
    /// Accepted and ignored: the model says what it is
    #[arg(long)]
    ai_atac: bool,
    /// Accepted and ignored: the original's heads of attention, in its script for AI-TAC
    #[arg(long, value_name = "N", hide = true, value_parser = one_or_more::<usize>)]
    num_of_heads: Option<usize>,
    /// Must agree with the model's outputs: of the original's script for AI-TAC
    #[arg(long, value_name = "N", hide = true, value_parser = one_or_more::<usize>)]
    response_num: Option<usize>,
    /// Add a row to this table: the mean squared error over all outputs, and of each
    #[arg(long, value_name = "FILE", conflicts_with = "plot_path")]
    stat_out: Option<PathBuf>,
    /// What the model is called in --stat-out and --extract-final-layer [default: its path]
    #[arg(long, value_name = "NAME", conflicts_with = "plot_path")]
    model_index: Option<String>,
    /// Add the weights of the final layer to the tables TEMPLATE.OUTPUT, a column of --model-index
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "plot_path")]
    extract_final_layer: Option<PathBuf>,
    /// Draw the final layer's weights, clustered, into final_layer.svg of the model folder (of the current folder, where --model is
    /// the original's file of weights)
    #[arg(long, conflicts_with = "plot_path")]
    plot_final_layer: bool,
    /// With --plot-final-layer: the first N motifs of each output [default: 10]
    #[arg(long, value_name = "N", value_parser = one_or_more::<usize>)]
    top_motifs: Option<usize>,
    /// Do not compare with simple rules
    #[arg(long, conflicts_with = "plot_path")]
    no_baselines: bool,
    /// --model is the folder of a penalty path: test each step, and draw losses and weights over the penalty
    #[arg(long)]
    plot_path: bool,
    /// With --plot-path: a logarithmic axis of the penalty
    #[arg(long)]
    plot_x_log: bool,
}

/// Motifs of each output in the picture of the final layer, where `--top-motifs` does not say.
const DRAWN: usize = 10;

pub fn run(args: &Args, known: Kinds) -> Result<()> {
    args.check()?;
    for (given, flag) in [
        (args.class_name.is_some(), "--class-name"),
        (args.ai_atac, "--ai-atac"),
        (args.num_of_heads.is_some(), "--num-of-heads"),
    ] {
        if given {
            tell!("note: {flag} is ignored; the model says what it is");
        }
    }
    if args.plot_path {
        return path::run(args, known);
    }
    match args.model.model.join(ENSEMBLE).is_file() {
        true => ensemble::run(args, &Members::open(&args.model.model, known)?),
        false => one(args, known),
    }
}

/// Tests one model.
fn one(args: &Args, known: Kinds) -> Result<()> {
    // What is no table is said before anything is read: a pipe would wait for itself.
    let stats = args
        .stat_out
        .as_deref()
        .map(|file| GrownTable::at("--stat-out", file))
        .transpose()?;
    let (model, dataset) = args.opened(known)?;
    let layer = args.final_layer(&model, &dataset)?;
    let stats = match stats {
        Some(file) => Some(stat_out::Table::open(file, &model, &dataset.outputs)?),
        None => None,
    };
    let mut more: Vec<(&str, PathBuf)> = Vec::new();
    more.extend(
        args.stat_out
            .iter()
            .map(|file| ("--stat-out", file.clone())),
    );
    more.extend(layer.iter().flat_map(final_layer::Wanted::files));
    let (precision, device) =
        args.model
            .prepare(std::slice::from_ref(&model), args.inputs(), &more)?;
    let split = args.data.split(&model, &dataset)?;
    let device = device.announce();
    model.config.model.tell_transform();
    let rows = args.rows(&dataset, &split);
    let predictions = args.predictions(&model, &device, precision, &dataset, &rows)?;
    let rules = match args.no_baselines {
        true => Vec::new(),
        false => baselines(&dataset, &split, &rows),
    };
    let scores = args.report(&Measured {
        dataset: &dataset,
        rows: &rows,
        predictions: &predictions,
        rules: &rules,
        members: &[],
    })?;
    let index = args.index();
    if let Some(layer) = layer {
        layer.write(&index)?;
    }
    match stats {
        Some(stats) => stats.add(&index, &scores),
        None => Ok(()),
    }
}

/// What a table of results is made of.
struct Measured<'a> {
    dataset: &'a Dataset,
    rows: &'a [usize],
    /// Rows x outputs, and so the rules'.
    predictions: &'a [f64],
    rules: &'a [Baseline],
    /// Of an ensemble, by model: how well it does on its own rows.
    members: &'a [Vec<Score>],
}

/// Columns of an ensemble: mean and standard deviation of the figures of its models.
const MEMBERS: [&str; 4] = [
    "members_mse",
    "members_mse_sd",
    "members_pearson",
    "members_pearson_sd",
];

/// The fields of [`MEMBERS`] in a line of the table.
fn of_members(members: &[Vec<Score>], place: usize, digits: Digits) -> String {
    let figures = |of: fn(&Score) -> f64| {
        let all: Vec<f64> = members.iter().map(|scores| of(&scores[place])).collect();
        [mean(all.iter().copied()), deviation(&all)]
    };
    let [mse, pearson] = [figures(|s| s.mse), figures(|s| s.pearson)];
    let shown = |x: Option<f64>| x.map_or(String::new(), |x| digits.of(x).to_string());
    [mse, pearson]
        .concat()
        .into_iter()
        .map(shown)
        .collect::<Vec<_>>()
        .join("\t")
}

/// Rows x outputs.
fn signals(dataset: &Dataset, rows: &[usize]) -> Vec<f64> {
    let of_row = |&row: &usize| dataset.signals(row);
    rows.iter().flat_map(of_row).copied().collect()
}

impl Args {
    /// # Errors
    /// A flag that would do nothing.
    fn check(&self) -> Result<()> {
        let several = self.stat_out.is_some() || self.extract_final_layer.is_some();
        let rules = [
            (
                self.plot_x_log && !self.plot_path,
                "--plot-x-log goes with --plot-path",
            ),
            (
                self.plot_path && self.model.out.is_some(),
                "--out: --plot-path writes path_eval.tsv and its pictures into the path's folder, and no other table",
            ),
            (
                self.top_motifs.is_some() && !self.plot_final_layer,
                "--top-motifs goes with --plot-final-layer",
            ),
            (
                self.model_index.is_some() && !several,
                "--model-index goes with --stat-out or --extract-final-layer",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(Error::usage(rule)),
            None => Ok(()),
        }
    }

    /// The files that the flags name, besides the model's.
    fn inputs(&self) -> Vec<PathBuf> {
        let mut files = self.data.inputs();
        files.extend(self.meme_file.clone());
        files.push(weights_file(&self.model.model));
        files
    }

    /// What the model is called in tables of several, as a cell can hold it.
    fn index(&self) -> String {
        let path = || self.model.model.display().to_string();
        let given = self.model_index.clone().unwrap_or_else(path);
        given.replace(char::is_control, " ")
    }

    /// The model with the data that it is tested on.
    fn opened(&self, known: Kinds) -> Result<(SavedModel, Dataset)> {
        let file = weights_file(&self.model.model);
        if file.is_file() && weights_in_folder(&self.model.model).is_none() {
            // Another file of a model folder is no weights of elsewhere.
            let beside = file.parent().map(|folder| folder.join(CONFIG));
            return match beside.is_some_and(|config| config.is_file()) {
                true => Err(no_model(&file)),
                false => self.foreign(&file),
            };
        }
        let model = saved::open(&self.model.model, known)?;
        self.check_agreement(&model)?;
        let dataset = self.data.dataset(&model, self.model.genome.as_deref())?;
        Ok((model, dataset))
    }

    /// A file of weights that another program saved.
    fn foreign(&self, file: &Path) -> Result<(SavedModel, Dataset)> {
        let needed = [
            ("--architecture", self.architecture.is_some()),
            ("--atac-file", self.data.atac_file.is_some()),
            ("--sequences", self.data.sequences.is_some()),
            ("--split-folder", self.data.split_folder.is_some()),
        ];
        let missing: Vec<&str> = needed
            .iter()
            .filter(|(_, given)| !given)
            .map(|(flag, _)| *flag)
            .collect();
        let (Some(architecture), Some(signals), Some(sequences)) = (
            &self.architecture,
            &self.data.atac_file,
            &self.data.sequences,
        ) else {
            return Err(Error::usage(format!(
                "{}: a file of weights alone, not a model folder: it also needs {}, and --meme-file where the architecture has motifs",
                file.display(),
                missing.join(", ")
            )));
        };
        if !missing.is_empty() {
            return Err(Error::usage(format!(
                "{}: a file of weights alone holds no split: give {}",
                file.display(),
                missing.join(", ")
            )));
        }
        let spec = builtin::find(architecture)?;
        let sources = Sources::new();
        let weights = foreign::read(&spec, file)?;
        let whole = foreign::Whole::new(spec, weights, self.meme_file.as_deref(), &sources)?;
        say(&whole.notes);
        let genome = self.model.genome.as_deref();
        let own = RowColumns::default();
        let dataset = read(&sources, signals, &own, sequences, genome)?;
        if let Some(window) = self.window_size
            && window != dataset.length
        {
            return Err(Error::invalid(format!(
                "--window-size {window}: the sequences of {} are {} long",
                sequences.display(),
                counted(dataset.length, "base")
            )));
        }
        if let Ok(outputs) = whole.outputs() {
            check_outputs(signals, &dataset, outputs)?;
        }
        if let Some(outputs) = self.response_num {
            check_response_num(outputs, signals, &dataset)?;
        }
        let (config, weights, notes) = whole.opened(dataset.length, dataset.outputs.clone())?;
        say(&notes);
        let file = file.to_path_buf();
        let model = SavedModel {
            config,
            weights,
            file,
        };
        Ok((model, dataset))
    }

    /// Flags of the original that say what the model folder says.
    ///
    /// # Errors
    /// What one of them says differs.
    fn check_agreement(&self, model: &SavedModel) -> Result<()> {
        let config = &model.config.model;
        let shown = model.folder().join(CONFIG);
        let shown = shown.display();
        let differs = |message: String| Err(Error::invalid(message));
        if let Some(name) = &self.architecture {
            let mut spec = builtin::find(name)?;
            spec.take_sizes(|name| model.weights.shape(name));
            if spec != config.architecture {
                let other = &config.architecture.name;
                return differs(match *other == spec.name {
                    true => format!("--architecture {name}: {shown} has another form of it"),
                    false => format!("--architecture {name}: {shown} has {other}"),
                });
            }
        }
        if let Some(outputs) = self.response_num
            && outputs != config.outputs.len()
        {
            return differs(format!(
                "--response-num {outputs}: {shown} has {}",
                counted(config.outputs.len(), "output")
            ));
        }
        if let Some(window) = self.window_size
            && window != config.window
        {
            return differs(format!(
                "--window-size {window}: {shown} has {}",
                config.window
            ));
        }
        let Some(file) = &self.meme_file else {
            return Ok(());
        };
        let Some(strands) = config.architecture.strands() else {
            tell!(
                "note: {} has no motif layer; --meme-file is ignored",
                config.architecture.name
            );
            return Ok(());
        };
        let mut notes = Notes::new();
        let motifs = parse_meme(Sources::new().into_lines(file)?, &mut notes)?;
        say(&notes);
        let ids: Vec<&str> = motifs.iter().map(|motif| motif.id.as_str()).collect();
        if ids != config.motifs {
            let place = ids.iter().zip(&config.motifs).position(|(a, b)| a != b);
            let first = place.map_or(String::new(), |place| {
                format!(
                    ", number {}: {} and {}",
                    place + 1,
                    ids[place],
                    config.motifs[place]
                )
            });
            return differs(format!(
                "--meme-file {}: its motifs ({}) are not those of {shown} ({}{first})",
                file.display(),
                ids.len(),
                config.motifs.len()
            ));
        }
        let kernels = MotifKernels::new(&motifs, false);
        let shown = |place| config.shown_motif(place);
        say(
            &foreign::of_other_motifs(&kernels, strands, shown, &model.weights)
                .into_iter()
                .collect::<Vec<_>>(),
        );
        Ok(())
    }

    /// Writes the table and says what it means; the scores of each output and of all.
    fn report(&self, of: &Measured<'_>) -> Result<Vec<Score>> {
        let Measured {
            dataset,
            rows,
            predictions,
            rules,
            members,
        } = *of;
        let scores = scores(&dataset.outputs, predictions, &signals(dataset, rows));
        let beside = beside(dataset, rows, predictions, rules);
        let digits = Digits::of_output(self.model.out.as_deref());
        emit(self.model.out.as_deref(), |w| {
            write!(w, "{}", Score::COLUMNS)?;
            if !members.is_empty() {
                write!(w, "\t{}", MEMBERS.join("\t"))?;
            }
            if !rules.is_empty() {
                write!(w, "\t{}", COLUMNS.join("\t"))?;
            }
            writeln!(w)?;
            for (place, score) in scores.iter().enumerate() {
                write!(w, "{}", score.line(digits))?;
                if !members.is_empty() {
                    write!(w, "\t{}", of_members(members, place, digits))?;
                }
                if !rules.is_empty() {
                    // Of all outputs together the rules are not said.
                    let found = beside.get(place).map(Vec::as_slice).unwrap_or_default();
                    write!(w, "\t{}", fields(found, digits).join("\t"))?;
                }
                writeln!(w)?;
            }
            Ok(())
        })?;
        if dataset.outputs.len() > 1 {
            tell!(
                "note: the row all is about the numbers of all outputs together: its correlations are also about how the outputs' means differ"
            );
        }
        let losses: Vec<f64> = scores.iter().map(|score| score.mse).collect();
        say(&told(&dataset.outputs, &losses, &beside, rules));
        Ok(scores)
    }

    /// The rows to test on; says what is odd about them.
    fn rows(&self, dataset: &Dataset, split: &Split) -> Vec<usize> {
        let rows = self.part(split);
        self.warn_of(dataset, &rows);
        rows
    }

    /// The part of a split to test on.
    fn part(&self, split: &Split) -> Vec<usize> {
        match self.use_validation {
            true => split.validation.clone(),
            false => split.test.clone(),
        }
    }

    fn warn_of(&self, dataset: &Dataset, rows: &[usize]) {
        let [_, validation, test] = PARTS;
        let part = if self.use_validation {
            validation
        } else {
            test
        };
        let warnings = unmeasurable(dataset, part, rows, &[]);
        let empty = without_bases(&dataset.names, &dataset.codes, dataset.length);
        for warning in empty.into_iter().chain(warnings) {
            tell!("{warning}");
        }
    }

    /// How well the model does on these rows, without their rules.
    fn scores(
        &self,
        model: &SavedModel,
        device: &Device,
        precision: Precision,
        dataset: &Dataset,
        rows: &[usize],
    ) -> Result<Vec<Score>> {
        let predictions = self.predictions(model, device, precision, dataset, rows)?;
        Ok(scores(
            &dataset.outputs,
            &predictions,
            &signals(dataset, rows),
        ))
    }

    /// Rows x outputs.
    fn predictions(
        &self,
        model: &SavedModel,
        device: &Device,
        precision: Precision,
        dataset: &Dataset,
        rows: &[usize],
    ) -> Result<Vec<f64>> {
        let samples = Rows {
            codes: &dataset.codes,
            targets: &[],
            length: dataset.length,
        };
        let bar = Reporter::new().bar("testing", rows.len(), "sequences");
        let size = self.model.batch_size;
        let predictions =
            model.predict(device, precision, samples, rows, size, |n| bar.advance(n))?;
        bar.finish();
        Ok(predictions.to_f64())
    }

    fn final_layer(
        &self,
        model: &SavedModel,
        dataset: &Dataset,
    ) -> Result<Option<final_layer::Wanted>> {
        if !self.plot_final_layer && self.extract_final_layer.is_none() {
            return Ok(None);
        }
        // Beside weights of elsewhere nothing is written.
        let folder = match model.folder().join(CONFIG).is_file() {
            true => model.folder(),
            false => Path::new(""),
        };
        let top = self.top_motifs.unwrap_or(DRAWN);
        let asked = final_layer::Asked {
            picture: self
                .plot_final_layer
                .then(|| (folder.join(final_layer::PICTURE), top)),
            tables: self.extract_final_layer.as_deref(),
            index: &self.index(),
        };
        final_layer::Wanted::new(model, &dataset.outputs, asked).map(Some)
    }
}
