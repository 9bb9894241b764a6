//! The intervals of a BED as explanations take them: the input around the middle of each.

use crate::attribution::subjects::{Place, Subject, Subjects};
use crate::data::Notes;
use crate::data::tracks::Transform;
use crate::data::windows::annotations::Annotations;
use crate::dna::bases::N;
use crate::io::bed::Reader;
use crate::io::chrom_sizes::Strangers;
use crate::io::hash::sha256;
use crate::io::text::{Lines, first_names};
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::spec::Spec;
use crate::numbers::counted;
use crate::{Error, Result};

/// Windows by which a changed track is noticed, at most.
const LOOKED_AT: usize = 4_096;

/// Intervals whose input lies on its chromosome.
pub(super) struct Windows {
    inputs: Inputs,
    windows: Vec<Window>,
    /// By interval of the file.
    kept: Vec<bool>,
    length: usize,
    tracks: Vec<String>,
}

struct Window {
    sample: Sample,
    start: u32,
    end: u32,
    name: Option<Box<str>>,
}

impl Windows {
    /// # Errors
    /// Those of the reader; no interval whose input lies on its chromosome and has a base.
    pub fn read(
        lines: Lines,
        inputs: Inputs,
        annotations: Option<&Annotations>,
        network: &Spec,
        notes: &mut Notes,
    ) -> Result<Self> {
        let length = network.length;
        let mut reader = Reader::new(lines);
        let (mut windows, mut kept) = (Vec::new(), Vec::new());
        let mut strangers = Strangers::default();
        let (mut off, mut blank) = (Left::default(), Left::default());
        let mut codes = vec![N; length];
        let chromosomes = inputs.genome.chromosomes();
        while let Some(row) = reader.read()? {
            kept.push(false);
            let Some(chromosome) = chromosomes.number(row.chromosome) else {
                strangers.count(row.chromosome);
                continue;
            };
            let place = || format!("{}:{}-{}", row.chromosome, row.start, row.end);
            let all = u64::from(chromosomes.length(chromosome));
            let middle = row.start.midpoint(row.end);
            let half = (length / 2) as u64;
            let first = middle.checked_sub(half);
            let inside = first.is_some_and(|first| first + length as u64 <= all);
            if !inside || row.end > all || row.start >= row.end {
                off.count(row.line, place);
                continue;
            }
            // Below the chromosome's length, which has 32 bits.
            let (start, end) = (row.start as i64, row.end as i64);
            let sample = Sample {
                cell: 0,
                chromosome,
                middle: middle as i64,
                label: 0,
                features: annotations.map_or(0, |a| a.features(chromosome, start, end)),
            };
            let from = sample.middle - (length / 2) as i64;
            inputs.genome.codes(chromosome, from, &mut codes);
            if codes.iter().all(|&code| code >= N) {
                blank.count(row.line, place);
                continue;
            }
            let name = row.to_interval().name.map(String::into_boxed_str);
            if let Some(last) = kept.last_mut() {
                *last = true;
            }
            windows.push(Window {
                sample,
                start: start as u32,
                end: end as u32,
                name,
            });
        }
        let path = reader.path().to_path_buf();
        if windows.is_empty() && strangers.rows() == kept.len() && !kept.is_empty() {
            return Err(chromosomes.nothing_in_common(&path, strangers.names()));
        }
        let shown = path.display();
        let mut tell = |left: &Left, what: &str| {
            notes.extend(left.first.as_ref().map(|(line, place)| {
                format!(
                    "note: {shown}: {} left out: {what} (first on line {line}: {place})",
                    counted(left.rows, "interval")
                )
            }));
        };
        tell(
            &off,
            &format!(
                "empty, or the input of {length} bases around the middle does not lie on the chromosome altogether"
            ),
        );
        tell(&blank, "without a single A, C, G or T");
        if strangers.rows() > 0 {
            notes.push(format!(
                "note: {shown}: {} left out, on chromosomes that are not in use: {}; in use are {}",
                counted(strangers.rows(), "interval"),
                first_names(strangers.names()),
                first_names(chromosomes.names())
            ));
        }
        if windows.is_empty() {
            return Err(Error::format(
                &path,
                format!(
                    "no interval around whose middle {length} bases lie on its chromosome: there is nothing to explain"
                ),
            ));
        }
        Ok(Windows {
            windows,
            kept,
            length,
            tracks: names_of_tracks(&network.tracks, inputs.transform),
            inputs,
        })
    }

    fn start(&self, window: &Window) -> i64 {
        window.sample.middle - (self.length / 2) as i64
    }
}

/// Names of tracks as the network takes them.
pub fn names_of_tracks(tracks: &[String], transform: Transform) -> Vec<String> {
    let name = |track: &String| match transform {
        Transform::None => track.clone(),
        Transform::Log1p => format!("{track} (log1p)"),
    };
    tracks.iter().map(name).collect()
}

/// Intervals that are left out for a cause.
#[derive(Default)]
struct Left {
    rows: usize,
    first: Option<(u64, String)>,
}

impl Left {
    fn count(&mut self, line: u64, place: impl Fn() -> String) {
        self.rows += 1;
        self.first.get_or_insert_with(|| (line, place()));
    }
}

impl Subjects for Windows {
    fn len(&self) -> usize {
        self.windows.len()
    }

    fn name(&self, at: usize) -> String {
        let window = &self.windows[at];
        match window.name.as_deref() {
            Some(name) if name != "." => name.to_string(),
            _ => {
                let chromosomes = self.inputs.genome.chromosomes();
                let chromosome = chromosomes.name(window.sample.chromosome);
                format!("{chromosome}:{}-{}", window.start, window.end)
            }
        }
    }

    fn place(&self, at: usize) -> Option<Place> {
        let window = &self.windows[at];
        let chromosomes = self.inputs.genome.chromosomes();
        Some(Place {
            chromosome: chromosomes.name(window.sample.chromosome).to_string(),
            start: u64::try_from(self.start(window)).ok()?,
        })
    }

    fn subject(&self, at: usize) -> Subject {
        let mut codes = vec![N; self.length];
        let mut tracks = vec![0.0; self.inputs.tracks() * self.length];
        let mut meta = vec![0.0; self.inputs.meta()];
        let sample = &self.windows[at].sample;
        self.inputs
            .fill_parts(sample, &mut codes, &mut tracks, &mut meta);
        let dense = [tracks, meta].into_iter();
        Subject {
            codes,
            dense: dense.filter(|values| !values.is_empty()).collect(),
        }
    }

    fn kept(&self) -> Vec<bool> {
        self.kept.clone()
    }

    fn chromosomes(&self) -> Option<Vec<(String, u64)>> {
        let chromosomes = self.inputs.genome.chromosomes();
        let lengths = chromosomes.lengths().iter().map(|&l| u64::from(l));
        Some(chromosomes.names().iter().cloned().zip(lengths).collect())
    }

    fn tracks(&self) -> Vec<String> {
        self.tracks.clone()
    }

    fn peaks(&self, at: usize) -> Vec<(i64, i64)> {
        let window = &self.windows[at];
        let start = self.start(window);
        vec![(
            i64::from(window.start) - start,
            i64::from(window.end) - start,
        )]
    }

    fn fingerprint(&self) -> String {
        let mut text = self.inputs.genome.digest();
        for at in 0..self.len() {
            let window = &self.windows[at];
            let place = (window.sample.chromosome, window.start, window.end);
            text += &format!("{place:?} {} {}\n", window.sample.features, self.name(at));
        }
        // The tracks, by what windows all over the list have of them.
        let step = self.len().div_ceil(LOOKED_AT).max(1);
        for at in (0..self.len()).step_by(step) {
            let subject = self.subject(at);
            let numbers = subject.dense.iter().flatten();
            let bytes: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
            text += &sha256(&bytes);
        }
        sha256(text.as_bytes())
    }
}
