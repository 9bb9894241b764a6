//! The files that other programs read, made of a run's parts.

use super::folder::Parts;
use super::genome_track;
use super::method::Method;
use super::named_hits::contributions;
use super::output::{SCORES, SEQUENCES, bases_of, tracks_of};
use super::picture::{Drawn, picture};
use super::subjects::{Stretch, Subjects};
use super::work::{Hits, Request};
use crate::Result;
use crate::dna::bases::N;
use crate::io::atomic::write_atomic;
use crate::io::npy::write_npy_mask;
use crate::io::npz::write_npz;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// What integrated gradients may miss of the difference of the scores before it is said.
const INCOMPLETE: f64 = 1e-2;
/// Of the summed absolute contributions.
const SIZE: f64 = 0.1;

/// `tables`: file and header of each.
pub(super) fn all(
    request: &Request,
    subjects: &dyn Subjects,
    parts: &Parts,
    track_names: Vec<String>,
    tables: &[(String, String)],
    hits: Option<&mut dyn Hits>,
) -> Result<()> {
    let out = parts.out();
    for (file, header) in tables {
        copied(parts, file, &out.join(file), header)?;
    }
    listed(out, subjects)?;
    scores(request, subjects, parts)?;
    let length = subjects.subject(0).codes.len();
    sequences(parts, &out.join("ohe.npz"), subjects.len(), length)?;
    for output in &request.outputs {
        let shape = [subjects.len() as u64, 4, length as u64];
        let numbers = parts.numbers(&bases_of(output))?;
        let path = out.join(format!("{}.npz", bases_of(output)));
        write_npz(&path, |npz| {
            let mut failed = None;
            npz.numbers("arr_0", &shape, whole(numbers, &mut failed))?;
            failed.map_or(Ok(()), Err)
        })?;
    }
    tracks(request, parts, track_names, subjects.len(), length)?;
    let placed = (0..subjects.len()).all(|at| subjects.place(at).is_some());
    if placed {
        for output in &request.outputs {
            genome_track::write(out, output, parts, subjects, length)?;
        }
    }
    pictures(request, subjects, parts, hits)
}

/// The numbers until one cannot be read.
fn whole<'a>(
    numbers: impl Iterator<Item = io::Result<f32>> + 'a,
    failed: &'a mut Option<io::Error>,
) -> impl Iterator<Item = f32> + 'a {
    numbers.map_while(move |number| number.map_err(|e| *failed = Some(e)).ok())
}

fn copied(parts: &Parts, name: &str, to: &Path, header: &str) -> Result<()> {
    let mut from = parts.read(name)?;
    write_atomic(to, |w| {
        w.write_all(header.as_bytes())?;
        io::copy(&mut from, w).map(|_| ())
    })
}

/// The sequences in their order, and which of the file's they are.
fn listed(out: &Path, subjects: &dyn Subjects) -> Result<()> {
    let length = subjects.subject(0).codes.len() as u64;
    let places: Option<Vec<_>> = (0..subjects.len()).map(|at| subjects.place(at)).collect();
    match places {
        Some(places) => write_atomic(out.join("regions.bed"), |w| {
            for (at, place) in places.iter().enumerate() {
                let (name, start) = (subjects.name(at), place.start);
                let end = start + length;
                writeln!(w, "{}\t{start}\t{end}\t{name}", place.chromosome)?;
            }
            Ok(())
        })?,
        None => write_atomic(out.join("names.txt"), |w| {
            (0..subjects.len()).try_for_each(|at| writeln!(w, "{}", subjects.name(at)))
        })?,
    }
    write_npy_mask(out.join("idx.npy"), &subjects.kept())
}

/// scores.tsv; of integrated gradients also what they miss.
fn scores(request: &Request, subjects: &dyn Subjects, parts: &Parts) -> Result<()> {
    let width = request.outputs.len();
    let complete = request.method == Method::Integrated;
    let per_row = width * if complete { 2 } else { 1 };
    let mut numbers = parts.doubles(SCORES)?;
    let length = subjects.subject(0).codes.len();
    let mut sums = Vec::new();
    if complete {
        for output in &request.outputs {
            let tracks = parts.numbers(&tracks_of(output))?;
            sums.push((parts.numbers(&bases_of(output))?, tracks));
        }
    }
    let first = &tracks_of(&request.outputs[0]);
    let of_tracks = match complete && parts.holds(first) {
        true => subjects.subject(0).dense.first().map_or(0, Vec::len),
        false => 0,
    };
    let mut missed = (0usize, 0.0f64, String::new());
    write_atomic(request.out.join("scores.tsv"), |w| {
        write!(w, "name")?;
        for output in &request.outputs {
            write!(w, "\t{}{}", output.name, request.scale)?;
        }
        for output in request.outputs.iter().filter(|_| complete) {
            write!(w, "\t{0}.baseline\t{0}.bases", output.name)?;
            if of_tracks > 0 {
                write!(w, "\t{}.tracks", output.name)?;
            }
            write!(w, "\t{}.missing", output.name)?;
        }
        writeln!(w)?;
        for at in 0..subjects.len() {
            let row = numbers.take(per_row).map_err(io::Error::other)?;
            write!(w, "{}", subjects.name(at))?;
            row[..width].iter().try_for_each(|x| write!(w, "\t{x}"))?;
            if complete {
                let codes = subjects.subject(at).codes;
                for (place, (bases, tracks)) in sums.iter_mut().enumerate() {
                    let mut taken = Vec::with_capacity(4 * length);
                    for number in bases.by_ref().take(4 * length) {
                        taken.push(number?);
                    }
                    let of_bases = contributions(&codes, &taken);
                    let size: f64 = of_bases.iter().map(|x| x.abs()).sum();
                    let bases: f64 = of_bases.iter().sum();
                    let mut tracks_sum = 0.0;
                    for number in tracks.by_ref().take(of_tracks) {
                        tracks_sum += f64::from(number?);
                    }
                    let difference = row[place] - row[width + place];
                    let missing = difference - bases - tracks_sum;
                    // Where bases for and against cancel, what is missing is held against these.
                    let share = missing.abs() / difference.abs().max(SIZE * size).max(1e-6);
                    if share > INCOMPLETE {
                        missed.0 += 1;
                        if share > missed.1 {
                            missed.1 = share;
                            missed.2 = subjects.name(at);
                        }
                    }
                    write!(w, "\t{}\t{}", row[width + place], bases as f32)?;
                    if of_tracks > 0 {
                        write!(w, "\t{}", tracks_sum as f32)?;
                    }
                    write!(w, "\t{}", missing as f32)?;
                }
            }
            writeln!(w)?;
        }
        Ok(())
    })?;
    if missed.0 > 0 {
        tell!(
            "warning: integrated gradients miss more than 1 % of the score's difference from the baseline {} (most: {:.1} %, {}; scores.tsv has all): more --steps bring them nearer",
            match missed.0 {
                1 => "once".to_string(),
                times => format!("{times} times"),
            },
            100.0 * missed.1,
            missed.2
        );
    }
    Ok(())
}

/// (N, 4, L), 0 and 1 as bytes.
fn sequences(parts: &Parts, path: &Path, count: usize, length: usize) -> Result<()> {
    let mut from = parts.read(SEQUENCES)?;
    write_npz(path, |npz| {
        let mut failed = None;
        let rows = (0..count).flat_map(|_| {
            let mut codes = vec![N; length];
            if let Err(e) = from.read_exact(&mut codes) {
                failed.get_or_insert(e);
            }
            (0..4u8).flat_map(move |base| {
                let hot = codes.iter().map(move |&code| i8::from(code == base));
                hot.collect::<Vec<i8>>()
            })
        });
        npz.numbers("arr_0", &[count as u64, 4, length as u64], rows)?;
        failed.map_or(Ok(()), Err)
    })
}

/// attr_tracks.npz: by output (N, n, L), and the tracks' names.
fn tracks(
    request: &Request,
    parts: &Parts,
    names: Vec<String>,
    count: usize,
    length: usize,
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let shape = [count as u64, names.len() as u64, length as u64];
    let files = request.outputs.iter();
    let mut numbers: Vec<_> = files
        .map(|output| parts.numbers(&tracks_of(output)))
        .collect::<Result<_>>()?;
    write_npz(request.out.join("attr_tracks.npz"), |npz| {
        for (output, numbers) in request.outputs.iter().zip(numbers.drain(..)) {
            let mut failed = None;
            let name = match request.outputs.len() {
                1 => "arr_0".to_string(),
                _ => format!("attr.{}", output.file),
            };
            npz.numbers(&name, &shape, whole(numbers, &mut failed))?;
            if let Some(e) = failed {
                return Err(e);
            }
        }
        npz.texts("tracks", &names)
    })
}

/// The first sequences, each with all outputs.
fn pictures(
    request: &Request,
    subjects: &dyn Subjects,
    parts: &Parts,
    mut hits: Option<&mut dyn Hits>,
) -> Result<()> {
    let names = subjects.tracks();
    let digits = request.plot.max(1).to_string().len();
    for at in 0..request.plot.min(subjects.len()) {
        let subject = Arc::new(subjects.subject(at));
        let length = subject.codes.len();
        let found = match (&mut hits, &request.named) {
            (Some(hits), None) => hits.of(&subject)?,
            _ => Vec::new(),
        };
        let of_tracks = match names.is_empty() {
            true => &[],
            false => subject.dense.first().map_or(&[][..], Vec::as_slice),
        };
        let place = subjects.place(at);
        let peaks = subjects.peaks(at);
        for (number, output) in request.outputs.iter().enumerate() {
            let bases = parts.rows(&bases_of(output), 4 * length)?.row(at)?;
            let values = contributions(&subject.codes, &bases);
            let stretches: Vec<Stretch> = match &request.named {
                Some(named) => {
                    let found = named.of(&subject.codes, &values).into_iter();
                    found.map(|(stretch, _)| stretch).collect()
                }
                None => found.get(number).cloned().unwrap_or_default(),
            };
            let score = score_of(request, parts, at, number)?;
            let text = picture(Drawn {
                name: &subjects.name(at),
                subtitle: &format!(
                    "{}{} {}, {}",
                    output.name,
                    request.scale,
                    crate::numbers::rounded(score),
                    request.method.name()
                ),
                place: place.as_ref(),
                codes: &subject.codes,
                values: &values,
                stretches,
                tracks: (&names, of_tracks),
                peaks: &peaks,
            });
            let file = format!("plot.{:0digits$}.{}.svg", at + 1, output.file);
            write_atomic(request.out.join(file), |w| w.write_all(text.as_bytes()))?;
        }
    }
    Ok(())
}

fn score_of(request: &Request, parts: &Parts, at: usize, output: usize) -> Result<f64> {
    let width = request.outputs.len();
    let per_row = match request.method {
        Method::Integrated => 2 * width,
        _ => width,
    };
    let mut numbers = parts.doubles(SCORES)?;
    numbers.take(at * per_row)?;
    Ok(numbers.take(per_row)?[output])
}
