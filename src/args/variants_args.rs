//! Flags of `cisgrad variants` that every kind of model takes.

use super::numbers::{one_or_more, zero_or_more};
use super::{DeviceArgs, PrecisionArg, Unannounced, outputs, say};
use crate::attribution::explainer::Settings;
use crate::data::packed_genome::PackedGenome;
use crate::data::variant_windows::Layout;
use crate::io::stored::Stored;
use crate::io::text::{excerpt, first_names};
use crate::io::vcf::{Wanted, indices};
use crate::metrics::empirical_p::Sorted;
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::variants::{BLOCK, Form, Format, Request, Scorer, is_other_vcf_name, is_vcf_name, run};
use crate::{Error, Result};
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug)]
pub struct VariantsArgs {
    /// Model folder, or the folder of an ensemble, whose mean is taken
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Variants: VCF 4.0 to 4.5, plain, gzip or bgzip, sorted by position; `-` is standard input
    #[arg(long, value_name = "VCF")]
    pub vcf: PathBuf,
    /// Genome of the variants, FASTA (plain, gzip or bgzip) or 2bit [default: that of the training run]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Table to write, or by the name a VCF (.vcf, .vcf.gz) with the results as INFO fields
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Outputs or factors [default: all]
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub output: Vec<String>,
    /// Form of the table: one row per variant and output, one row per variant, or as variant-scorer has it [default: long]
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<FormArg>,
    /// p-values against so many shuffles of each variant's flanks (10 is usual); 0: none
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = shuffles)]
    pub null: usize,
    /// Of the shuffles
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = zero_or_more::<u64>)]
    pub seed: u64,
    /// Means over windows that are moved by so many bases, as 0,-20,20
    #[arg(
        long,
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_name = "N,...",
        value_parser = shift
    )]
    pub shifts: Vec<i64>,
    /// Only variants there: chr1:1,000-2,000 (1-based), or a BED file; fast with a .tbi or .csi beside a bgzip file
    #[arg(long, value_name = "REGION")]
    pub regions: Option<String>,
    /// Stop where a REF is not in the genome
    #[arg(long)]
    pub strict: bool,
    /// Go on with a run that was stopped
    #[arg(long)]
    pub resume: bool,
    /// Windows that are computed at a time
    #[arg(long, default_value_t = 254, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// # Errors
/// Not a whole number.
fn shift(text: &str) -> std::result::Result<i64, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("{}; expected whole numbers like 0,-20,20", excerpt(text)))
}

/// Shuffles of a variant: more give no better p-value, and each takes 4 bytes per output.
const MOST_SHUFFLES: usize = 100_000;

/// # Errors
/// More than that.
fn shuffles(text: &str) -> std::result::Result<usize, String> {
    match zero_or_more(text)? {
        number if number <= MOST_SHUFFLES => Ok(number),
        _ => Err(format!(
            "expected a whole number of 0 to {MOST_SHUFFLES}; 10 is usual"
        )),
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormArg {
    Long,
    Wide,
    VariantScorer,
}

impl VariantsArgs {
    /// Looks at what is written and read, and finds the device. `read`: the model's files.
    ///
    /// # Errors
    /// An output that is an input, or a form that its name contradicts; a device or precision that cannot be had.
    pub fn open(
        &self,
        trained: Precision,
        mut read: Vec<PathBuf>,
    ) -> Result<(Precision, Unannounced)> {
        if let (true, Some(_)) = (is_vcf_name(&self.out), self.format) {
            return Err(Error::usage(format!(
                "--format is about tables, and --out {} is a VCF by its name: leave it out, or give another name",
                self.out.display()
            )));
        }
        if is_other_vcf_name(&self.out) {
            return Err(Error::usage(format!(
                "--out {}: neither BCF nor this packing is written; expected a name in .vcf or .vcf.gz, or that of a table",
                self.out.display()
            )));
        }
        read.push(self.vcf.clone());
        read.extend(indices(&self.vcf));
        read.extend(self.regions.iter().map(PathBuf::from));
        read.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        outputs::check(&[("--out", self.out.as_path())], &read)?;
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }

    /// How windows are scored.
    pub fn explainer(&self, precision: Precision) -> Settings {
        Settings::of_scores(self.batch_size, precision)
    }

    /// What made the numbers, for the output's head.
    fn made_by(&self, genome: &PackedGenome) -> String {
        let shifts = match self.shifts.is_empty() {
            true => "0".to_string(),
            false => self
                .shifts
                .iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join(","),
        };
        let null = match self.null {
            0 => String::new(),
            null => format!(", {null} shuffles per variant (seed {})", self.seed),
        };
        format!(
            "{} {}: model {}, genome {}, shifts {shifts}{null}",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            self.model.display(),
            genome.chromosomes().path.display()
        )
    }

    /// Scores the variants and writes the output. `length`: of the model's input; `model`: what it is, for --resume; of each output the
    /// predictions among which a variant has its quantile, if they are known, and notes for the output's head, which are said too.
    ///
    /// # Errors
    /// Those of [`run`].
    pub fn run(
        &self,
        genome: &PackedGenome,
        length: usize,
        model: &str,
        (backgrounds, mut notes): (Option<Vec<Sorted>>, Vec<String>),
        scorer: &mut dyn Scorer,
    ) -> Result<()> {
        let wanted = self.regions.as_deref();
        let wanted = wanted
            .map(|text| Wanted::parse("--regions", text))
            .transpose()?;
        if let (Some(text), Some(wanted)) = (&self.regions, &wanted)
            && !Wanted::is_file(text)
        {
            check_known(text, wanted, genome)?;
        }
        let format = match (is_vcf_name(&self.out), self.format) {
            (true, _) => Format::Vcf,
            (false, None | Some(FormArg::Long)) => Format::Table(Form::Long),
            (false, Some(FormArg::Wide)) => Format::Table(Form::Wide),
            (false, Some(FormArg::VariantScorer)) => Format::Table(Form::VariantScorer),
        };
        if backgrounds.is_none() {
            notes.push("active_allele_quantile is empty: the model's folder does not have what it predicted for its test or validation data (converted models, other weights than the best ones, and models of earlier versions do not)".to_string());
        }
        let said: Vec<String> = notes.iter().map(|note| format!("note: {note}")).collect();
        say(&said);
        notes.insert(0, self.made_by(genome));
        let vcf = Stored::open(&self.vcf)?;
        let request = Request {
            vcf: &vcf,
            wanted: wanted.as_ref(),
            genome,
            layout: Layout::new(length, &self.shifts)?,
            out: self.out.clone(),
            format,
            null: self.null,
            seed: self.seed,
            strict: self.strict,
            resume: self.resume,
            fingerprint: format!("{model} {}", genome.digest()),
            backgrounds,
            notes,
            block: BLOCK,
        };
        run(&request, scorer, &Reporter::new())?;
        tell!("{}", self.out.display());
        Ok(())
    }
}

/// That the genome has the chromosomes of `--regions`, which are written by hand: no variant elsewhere can be scored.
///
/// # Errors
/// It lacks one.
fn check_known(text: &str, wanted: &Wanted, genome: &PackedGenome) -> Result<()> {
    let known = genome.chromosomes();
    match wanted.iter().find(|(name, _)| known.number(name).is_none()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::usage(format!(
            "--regions {}: no chromosome {} in {}, which has {}; expected regions like chr1:1,000-2,000 chr2, or a BED file",
            excerpt(text),
            excerpt(name),
            known.path.display(),
            first_names(known.names())
        ))),
    }
}
