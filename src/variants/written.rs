//! The output, made of the VCF file and what was kept of its variants.

use super::request::Request;
use super::rows::{Allele, Columns, Effect};
use super::scored::{Block, MOTIFS, P_VALUES, SCORES, Shape, motif_effect, numbers};
use super::survey::Survey;
use super::tables::{Format, Table};
use super::vcf_table::VcfTable;
use crate::data::variant_windows::{Examined, Status, examine};
use crate::io::atomic::write_atomic;
use crate::io::grown_files::GrownFiles;
use crate::io::seen::Seen;
use crate::io::vcf::{Reader, Record, write_vcf};
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};

/// The VCF file is not the one that was scored.
#[derive(Debug, thiserror::Error)]
#[error("changed")]
struct Changed;

/// Writes the output whole; false, and nothing is written, where the VCF file is not the one that was scored. `survey`: of the lines
/// that were.
pub fn write(
    request: &Request,
    parts: &GrownFiles,
    blocks: &[Block],
    shape: Shape,
    columns: &Columns,
    motifs: &[String],
    survey: &Survey,
) -> Result<bool> {
    let lines = || Lines::open(request, parts, blocks, shape, motifs, survey.seen);
    let written = match request.format {
        Format::Vcf => write_vcf(&request.out, |out| {
            let mut lines = lines().map_err(io::Error::other)?;
            let table = VcfTable::new(columns);
            let header = lines.reader.header();
            let mut writer = table.begin(out, header, &survey.contigs, &columns.notes)?;
            lines.each(|alleles| table.write(&mut writer, alleles))
        }),
        Format::Table(form) => write_atomic(&request.out, |out: &mut dyn Write| {
            let mut table = Table::begin(out, columns, form)?;
            let mut lines = lines().map_err(io::Error::other)?;
            lines.each(|alleles| alleles.iter().try_for_each(|allele| table.write(allele)))
        }),
    };
    match written {
        Ok(()) => Ok(true),
        Err(Error::Io { path, source }) => match source.downcast::<Changed>() {
            Ok(Changed) => Ok(false),
            // What went wrong with another file than the output says so itself.
            Err(source) => Err(match source.downcast::<Error>() {
                Ok(own) => own,
                Err(source) => Error::Io { path, source },
            }),
        },
        Err(other) => Err(other),
    }
}

/// The lines of the VCF file with their numbers.
struct Lines<'a> {
    request: &'a Request<'a>,
    parts: &'a GrownFiles,
    reader: Reader,
    /// The lines as they were scored.
    seen: Seen,
    blocks: std::slice::Iter<'a, Block>,
    shape: Shape,
    motif_names: &'a [String],
    scores: Box<dyn Read>,
    motifs: Box<dyn Read>,
    p_values: Box<dyn Read>,
}

impl<'a> Lines<'a> {
    fn open(
        request: &'a Request<'a>,
        parts: &'a GrownFiles,
        blocks: &'a [Block],
        shape: Shape,
        motif_names: &'a [String],
        seen: Seen,
    ) -> Result<Self> {
        let p_values: Box<dyn Read> = match shape.null {
            0 => Box::new(io::empty()),
            _ => {
                let path = parts.path(P_VALUES);
                let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
                Box::new(BufReader::new(file))
            }
        };
        Ok(Lines {
            request,
            parts,
            reader: Reader::open(request.vcf, request.wanted)?,
            seen,
            blocks: blocks.iter(),
            shape,
            motif_names,
            scores: parts.read(SCORES)?,
            motifs: parts.read(MOTIFS)?,
            p_values,
        })
    }

    /// Calls `write` with the alleles of each line, in the order of the file.
    fn each(&mut self, mut write: impl FnMut(&[Allele]) -> io::Result<()>) -> io::Result<()> {
        let changed = || io::Error::other(Changed);
        while let Some(&Block { lines, scored }) = self.blocks.next() {
            let mut effects = self.effects(scored as usize).map_err(io::Error::other)?;
            let mut effects = effects.drain(..);
            for _ in 0..lines {
                let Some(record) = self.reader.read().map_err(io::Error::other)? else {
                    break;
                };
                let found = self.examined(&record);
                let own = |status: &Status| match status.is_scored() {
                    true => effects.next().ok_or_else(changed),
                    false => Ok(Vec::new()),
                };
                let own = found.iter().map(own).collect::<io::Result<Vec<_>>>()?;
                let alleles = found.iter().zip(&own).enumerate();
                let alleles = alleles.map(|(alternative, (&status, effects))| Allele {
                    record: &record,
                    alternative,
                    status,
                    effects,
                });
                write(&alleles.collect::<Vec<_>>())?;
            }
            if effects.next().is_some() {
                return Err(changed());
            }
        }
        let more = self.reader.read().map_err(io::Error::other)?;
        match more.is_none() && self.reader.seen() == self.seen {
            true => Ok(()),
            false => Err(changed()),
        }
    }

    fn examined(&self, record: &Record) -> Vec<Status> {
        let found = examine(self.request.genome, &self.request.layout, record);
        found.iter().map(Examined::status).collect()
    }

    /// The next block's: variants x outputs.
    fn effects(&mut self, count: usize) -> Result<Vec<Vec<Effect>>> {
        let shape = self.shape;
        let mut all = vec![Vec::with_capacity(shape.outputs); count];
        let path = self.parts.path(SCORES);
        for output in 0..shape.outputs {
            let found = numbers(&mut self.scores, count * shape.numbers(), &path)?;
            let p_values = match shape.null {
                0 => Vec::new(),
                _ => numbers(&mut self.p_values, count, &self.parts.path(P_VALUES))?,
            };
            let backgrounds = self.request.backgrounds.as_ref();
            let background = backgrounds.and_then(|all| all.get(output));
            for (i, effects) in all.iter_mut().enumerate() {
                let (reference, alternative) = (found[i], found[count + i]);
                let mut effect = Effect {
                    reference,
                    alternative,
                    logit_diff: shape.logits.then(|| found[2 * count + i]),
                    p_value: p_values.get(i).copied().filter(|p| !p.is_nan()),
                    quantile: background
                        .and_then(|others| others.quantile(reference.max(alternative))),
                    ..Effect::default()
                };
                if shape.motifs {
                    self.add_motifs(&mut effect)?;
                }
                effects.push(effect);
            }
        }
        Ok(all)
    }

    fn add_motifs(&mut self, effect: &mut Effect) -> Result<()> {
        let mut bytes = [0; 16];
        let read = self.motifs.read_exact(&mut bytes);
        read.map_err(|e| Error::io(self.parts.path(MOTIFS), e))?;
        let found = motif_effect(bytes);
        let name = |motif: u32| self.motif_names.get(motif as usize).cloned();
        effect.motif_gained = found.gained.and_then(name);
        effect.motif_lost = found.lost.and_then(name);
        let named = effect.motif_gained.is_some() || effect.motif_lost.is_some();
        effect.motif_diff = named.then_some(found.part);
        Ok(())
    }
}
