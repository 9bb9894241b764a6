//! Flags of `cisgrad marginalize` that every kind of model takes, and what it writes.

use super::numbers::{one_or_more, zero_or_more};
use super::own_name::FileNames;
use super::{DeviceArgs, PrecisionArg, Unannounced, outputs};
use crate::attribution::explainer::{Explainer, Loaded, Settings};
use crate::attribution::marginal::{Effect, Effects, Insert, Spacing, middle};
use crate::attribution::network::Explain;
use crate::attribution::output::Output;
use crate::attribution::subjects::Subjects;
use crate::dna::bases::{N, encode, letter};
use crate::dna::motif::{Motif, consensus, core};
use crate::engine::Device;
use crate::io::atomic::write_atomic;
use crate::io::meme::parse_meme;
use crate::io::near::nearest;
use crate::io::sources::Sources;
use crate::io::text::{excerpt, first_names};
use crate::io::whole_folder::{check_free, make_folder};
use crate::report::effect_plot::{Dot, Panel, effects_svg};
use crate::report::line_chart::{Chart, Line, line_chart_svg};
use crate::report::progress::Reporter;
use crate::train::folder::config::Precision;
use crate::train::folder::weights::Number;
use crate::train::interrupt;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Clone, Debug)]
pub struct MarginalizeArgs {
    /// Model folder, or the folder of an ensemble
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// What is put into the backgrounds: names or identifiers of motifs (their likeliest sequence), or sequences
    #[arg(long, num_args = 1.., value_name = "NAME|SEQUENCE", required_unless_present = "pair")]
    pub motif: Vec<String>,
    /// Two of them, at all distances up to --max-distance and on all strands
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub pair: Vec<String>,
    /// Of --pair: most bases between the two
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = zero_or_more::<usize>)]
    pub max_distance: usize,
    /// Motifs by name (MEME) [default: a tiSFM model's own]
    #[arg(long, value_name = "MEME")]
    pub motifs: Option<PathBuf>,
    /// Sequences of the model's length: name and sequence per line, FASTA, or BED with --genome [default: of a tiSFM model those that
    /// tested it]
    #[arg(long, value_name = "FILE")]
    pub background: Option<PathBuf>,
    /// Backgrounds at most, evenly chosen from the file
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = one_or_more::<usize>)]
    pub number: usize,
    /// Genome, FASTA (plain, gzip or bgzip) or 2bit [default: that of the training run]
    #[arg(long, value_name = "FASTA")]
    pub genome: Option<PathBuf>,
    /// Folder for the results; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Outputs or factors [default: all]
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub output: Vec<String>,
    /// Sequences that are computed at a time
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = one_or_more::<usize>)]
    pub batch_size: usize,
    /// Arithmetic: f32, f64 (CPU) or bf16 (GPU) [default: as trained, f32 for bf16]
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionArg>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What is put into backgrounds.
pub struct Inserts {
    pub each: Vec<Insert>,
    pub pair: Option<[Insert; 2]>,
}

impl MarginalizeArgs {
    /// Looks at what is written and read, and finds the device. `read`: the model's files.
    ///
    /// # Errors
    /// A folder that is in use, or holds what is read; a device or precision that cannot be had.
    pub fn open(
        &self,
        trained: Precision,
        mut read: Vec<PathBuf>,
    ) -> Result<(Precision, Unannounced)> {
        check_free("--out", &self.out)?;
        read.extend(self.motifs.iter().chain(&self.background).cloned());
        read.extend(self.genome.iter().flat_map(|g| outputs::genome_files(g)));
        outputs::check_holds_none("--out", &self.out, &read)?;
        let precision = PrecisionArg::or_trained(self.precision, trained);
        Ok((precision, self.device.open(Some(precision))?))
    }

    /// `own`: the model's motifs, where it has some; `length`: of the backgrounds.
    ///
    /// # Errors
    /// A name that is neither a motif's nor a sequence, with near names; a sequence that does not fit into a background.
    pub fn inserts(
        &self,
        own: Vec<Motif>,
        length: usize,
        sources: &Sources,
        notes: &mut Vec<String>,
    ) -> Result<Inserts> {
        let motifs = match &self.motifs {
            Some(file) => parse_meme(sources.lines(file)?, notes)?,
            None => own,
        };
        let of = |flag: &str, word: &String| insert(flag, word, &motifs, length);
        let each = self.motif.iter().map(|word| of("--motif", word));
        let pair = match &self.pair[..] {
            [a, b] => {
                let pair = [of("--pair", a)?, of("--pair", b)?];
                let first = middle(length, &pair[0]) + pair[0].codes.len();
                let behind = length.saturating_sub(first + pair[1].codes.len());
                if first + pair[1].codes.len() > length || self.max_distance > behind {
                    return Err(Error::usage(format!(
                        "--pair, --max-distance {}: with {} in the middle of {length} bases there is room for {} at {behind} bases from it at most",
                        self.max_distance, pair[0].name, pair[1].name
                    )));
                }
                Some(pair)
            }
            _ => None,
        };
        Ok(Inserts {
            each: each.collect::<Result<_>>()?,
            pair,
        })
    }

    /// So many rows of `all`, evenly spread.
    pub fn rows(&self, all: usize) -> Vec<usize> {
        let count = self.number.min(all);
        (0..count).map(|i| i * all / count).collect()
    }
}

/// A motif by its name or identifier, as its likeliest sequence, or a sequence.
fn insert(flag: &str, word: &str, motifs: &[Motif], length: usize) -> Result<Insert> {
    let is = |motif: &&Motif| motif.id == word || motif.label.as_deref() == Some(word);
    let lower = |name: &str| name.eq_ignore_ascii_case(word);
    let like = |motif: &&Motif| lower(&motif.id) || motif.label.as_deref().is_some_and(lower);
    let mut codes = Vec::new();
    let named = motifs.iter().find(is).or_else(|| motifs.iter().find(like));
    let name = match named {
        Some(motif) => {
            let rows = &motif.rows[core(&motif.rows)];
            // The likeliest base of each position is one of the four.
            let _ = encode(consensus(rows, false), &mut codes);
            motif.shown()
        }
        None => {
            let known = encode(word, &mut codes).is_ok() && codes.iter().any(|&code| code < N);
            if !known || word.is_empty() {
                let near = nearest(word, motifs, |motif| {
                    let label = motif.label.as_deref();
                    [motif.id.as_str()].into_iter().chain(label).collect()
                });
                let near: Vec<String> = near.into_iter().map(Motif::shown).collect();
                let advice = match near.is_empty() {
                    true => "give --motifs MEME to name motifs".to_string(),
                    false => format!("the names most like it are {}", first_names(near)),
                };
                return Err(Error::usage(format!(
                    "{flag} {}: neither a motif's name nor a sequence of A, C, G, T and N; {advice}",
                    excerpt(word)
                )));
            }
            codes.iter().map(|&code| char::from(letter(code))).collect()
        }
    };
    if codes.len() > length {
        return Err(Error::usage(format!(
            "{flag} {}: {} bases, more than the {length} of a background",
            excerpt(word),
            codes.len()
        )));
    }
    Ok(Insert { name, codes })
}

/// Spacings of two inserts, by output.
pub type Spacings = Vec<(Spacing, Vec<[Effect; 4]>)>;

/// Writes the folder, whole or not at all: effects.tsv and effects.svg, spacing.tsv and a picture of each output. `scale`: behind an output's
/// name.
///
/// # Errors
/// What the operating system says.
pub fn write(
    folder: &Path,
    outputs: &[Output],
    scale: &str,
    inserts: &Inserts,
    effects: &Effects,
    spacings: Option<&Spacings>,
) -> Result<()> {
    make_folder(folder, |folder| {
        if !inserts.each.is_empty() {
            write_effects(folder, outputs, scale, &inserts.each, effects)?;
        }
        match (&inserts.pair, spacings) {
            (Some(pair), Some(spacings)) => write_spacings(folder, outputs, scale, pair, spacings),
            _ => Ok(()),
        }
    })
}

fn letters(codes: &[u8]) -> String {
    codes.iter().map(|&code| char::from(letter(code))).collect()
}

fn number(x: Option<f64>) -> String {
    x.map_or(String::new(), |x| format!("{}", x as f32))
}

fn write_effects(
    folder: &Path,
    outputs: &[Output],
    scale: &str,
    inserts: &[Insert],
    effects: &Effects,
) -> Result<()> {
    write_atomic(folder.join("effects.tsv"), |w| {
        writeln!(
            w,
            "motif\tsequence\tstrand\toutput\tbackground\tmean\tsd\tbackgrounds"
        )?;
        for (insert, found) in inserts.iter().zip(&effects.inserts) {
            for (output, (by_strand, background)) in
                outputs.iter().zip(found.iter().zip(&effects.backgrounds))
            {
                for (strand, effect) in ["+", "-", "both"].iter().zip(by_strand) {
                    writeln!(
                        w,
                        "{}\t{}\t{strand}\t{}\t{}\t{}\t{}\t{}",
                        insert.name,
                        letters(&insert.codes),
                        output.name,
                        background.mean as f32,
                        effect.mean as f32,
                        number(effect.deviation()),
                        effect.count()
                    )?;
                }
            }
        }
        Ok(())
    })?;
    let names: Vec<String> = inserts.iter().map(|insert| insert.name.clone()).collect();
    let panels: Vec<Panel> = outputs
        .iter()
        .enumerate()
        .map(|(number, output)| Panel {
            title: format!("{}{scale}", output.name),
            dots: effects
                .inserts
                .iter()
                .map(|found| Dot {
                    mean: found[number][2].mean,
                    deviation: found[number][2].deviation(),
                })
                .collect(),
        })
        .collect();
    let count = effects.backgrounds.first().map_or(0, Effect::count);
    let title = format!("In place of the middle of {count} backgrounds, mean of both strands");
    let text = effects_svg(&title, "change, ± standard deviation", &names, &panels);
    write_atomic(folder.join("effects.svg"), |w| w.write_all(text.as_bytes()))
}

fn write_spacings(
    folder: &Path,
    outputs: &[Output],
    scale: &str,
    pair: &[Insert; 2],
    spacings: &Spacings,
) -> Result<()> {
    let strand = |forward: bool| if forward { "+" } else { "-" };
    write_atomic(folder.join("spacing.tsv"), |w| {
        writeln!(
            w,
            "a\tb\tstrand_a\tstrand_b\tdistance\toutput\talone_a\talone_b\ttogether\ttogether_sd\tbeyond_sum\tbeyond_sum_sd\tbackgrounds"
        )?;
        for (spacing, effects) in spacings {
            for (output, [together, beyond, a, b]) in outputs.iter().zip(effects) {
                writeln!(
                    w,
                    "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                    pair[0].name,
                    pair[1].name,
                    strand(spacing.forward[0]),
                    strand(spacing.forward[1]),
                    spacing.distance,
                    output.name,
                    a.mean as f32,
                    b.mean as f32,
                    together.mean as f32,
                    number(together.deviation()),
                    beyond.mean as f32,
                    number(beyond.deviation()),
                    together.count()
                )?;
            }
        }
        Ok(())
    })?;
    let mut files = FileNames::default();
    for (place, output) in outputs.iter().enumerate() {
        let mut distances: Vec<f64> = spacings.iter().map(|(s, _)| s.distance as f64).collect();
        distances.dedup();
        let of_strands =
            [[true, true], [true, false], [false, true], [false, false]].map(|forward| {
                let own = spacings.iter().filter(|(s, _)| s.forward == forward);
                Line {
                    name: Some(format!("{}{}", strand(forward[0]), strand(forward[1]))),
                    values: own.map(|(_, effects)| effects[place][1].mean).collect(),
                }
            });
        let zero = Line {
            name: None,
            values: vec![0.0; distances.len()],
        };
        let lines: Vec<Line> = of_strands.into_iter().chain([zero]).collect();
        let text = line_chart_svg(&Chart {
            title: &format!(
                "{} and {}: {}{scale} beyond the sum of both alone",
                pair[0].name, pair[1].name, output.name
            ),
            x_name: "bases between the two",
            y_name: "change beyond the sum",
            x: &distances,
            log_x: false,
            marked: None,
            lines: &lines,
        });
        let file = format!("spacing.{}.svg", files.of(&output.name));
        write_atomic(folder.join(file), |w| w.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// Computes the effects over the backgrounds of these rows and writes the folder; `outputs`: and what stands behind their names.
///
/// # Errors
/// A model that cannot be built or run; what the operating system says.
pub fn marginalize<T: Number, M: Explain>(
    given: &MarginalizeArgs,
    device: &Device,
    precision: Precision,
    models: Vec<Loaded<'_, T, M>>,
    (outputs, scale): (&[Output], &str),
    inserts: &Inserts,
    (backgrounds, rows): (&dyn Subjects, &[usize]),
) -> Result<()> {
    let settings = Settings::of_scores(given.batch_size, precision);
    let places = outputs.iter().map(|output| output.place).collect();
    let mut explainer = Explainer::new(device, settings, models, places)?;
    interrupt::watch();
    let reporter = Reporter::new();
    let bar = reporter.bar("inserting", rows.len(), "backgrounds");
    let effects = explainer.marginal(backgrounds, rows, &inserts.each, |n| bar.advance(n))?;
    bar.finish();
    let spacings = match &inserts.pair {
        None => None,
        Some(pair) => {
            let bar = reporter.bar("spacing", rows.len(), "backgrounds");
            let most = given.max_distance;
            let found = explainer.spacings(backgrounds, rows, pair, most, |n| bar.advance(n))?;
            bar.finish();
            Some(found)
        }
    };
    write(
        &given.out,
        outputs,
        scale,
        inserts,
        &effects,
        spacings.as_ref(),
    )?;
    tell!("{}", given.out.display());
    Ok(())
}
