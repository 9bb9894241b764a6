//! Kernels as motifs: the bases and tracks under the places where each kernel fires.

use std::io::{self, Write};

use crate::dna::motif::Motif;

/// Bases and track values under a layer's sites, summed position by position.
///
/// A kernel has one site at most in a strand of a window: the `width` positions at the first place of its largest activation there,
/// where the kind of model says that it fires.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelSites {
    width: usize,
    tracks: usize,
    sites: Vec<u64>,
    /// (kernels, width): how often each base was seen; positions of N count for none.
    counts: Vec<[u64; 4]>,
    /// (kernels, tracks, width).
    signals: Vec<f64>,
    /// By kernel, where its sites are.
    places: Vec<Vec<Place>>,
}

/// Where a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub window: u32,
    /// Its first position on its strand of the window.
    pub position: u32,
    pub reverse: bool,
}

/// A layer's kernels as motifs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelMotifs {
    pub motifs: Vec<Motif>,
    /// The names of the kernels that fire nowhere.
    pub without_sites: Vec<String>,
}

impl KernelSites {
    /// No site yet.
    pub fn new(kernels: usize, width: usize, tracks: usize) -> Self {
        KernelSites {
            width,
            tracks,
            sites: vec![0; kernels],
            counts: vec![[0; 4]; kernels * width],
            signals: vec![0.0; kernels * tracks * width],
            places: vec![Vec::new(); kernels],
        }
    }

    /// Says where the site is that was added last.
    ///
    /// # Panics
    /// On a kernel that there is not.
    pub fn place(&mut self, kernel: usize, place: Place) {
        self.places[kernel].push(place);
    }

    /// Where a kernel's sites are, as far as that was said.
    pub fn places(&self, kernel: usize) -> &[Place] {
        &self.places[kernel]
    }

    /// Adds a site of `kernel`: `width` base codes (0 to 3: A, C, G, T; others are N) and, for each track, `width`
    /// values, all in the order in which the network read them (a site on the reverse strand: reverse complemented).
    ///
    /// # Panics
    /// On a kernel that there is not, and on lengths other than `width`.
    pub fn add(&mut self, kernel: usize, bases: &[u8], tracks: &[&[f32]]) {
        let width = self.width;
        assert_eq!(bases.len(), width, "bases of a site");
        assert_eq!(tracks.len(), self.tracks, "tracks of a site");
        self.sites[kernel] += 1;
        for (counts, &base) in self.counts[kernel * width..].iter_mut().zip(bases) {
            if let Some(count) = counts.get_mut(usize::from(base)) {
                *count += 1;
            }
        }
        for (track, values) in tracks.iter().enumerate() {
            assert_eq!(values.len(), width, "track values of a site");
            let sums = &mut self.signals[(kernel * self.tracks + track) * width..];
            for (sum, &value) in sums.iter_mut().zip(*values) {
                *sum += f64::from(value);
            }
        }
    }

    /// Adds another part's sites. Parts merged in the same order give the same sums, bit by bit.
    ///
    /// # Panics
    /// On a part of another shape.
    pub fn merge(&mut self, part: &KernelSites) {
        let shape = |s: &KernelSites| (s.sites.len(), s.width, s.tracks);
        assert_eq!(shape(self), shape(part), "parts of one layer");
        self.sites
            .iter_mut()
            .zip(&part.sites)
            .for_each(|(a, b)| *a += b);
        for (a, b) in self
            .counts
            .iter_mut()
            .flatten()
            .zip(part.counts.iter().flatten())
        {
            *a += b;
        }
        self.signals
            .iter_mut()
            .zip(&part.signals)
            .for_each(|(a, b)| *a += b);
        for (places, more) in self.places.iter_mut().zip(&part.places) {
            places.extend_from_slice(more);
        }
    }

    pub fn kernels(&self) -> usize {
        self.sites.len()
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn sites(&self, kernel: usize) -> u64 {
        self.sites[kernel]
    }

    /// The share of each base at each position, among the sites with a base there; a quarter each where there is none.
    pub fn probabilities(&self, kernel: usize) -> Vec<[f64; 4]> {
        let counts = &self.counts[kernel * self.width..(kernel + 1) * self.width];
        let share = |counts: &[u64; 4]| match counts.iter().sum::<u64>() {
            0 => [0.25; 4],
            seen => counts.map(|count| count as f64 / seen as f64),
        };
        counts.iter().map(share).collect()
    }

    /// The kernels with sites as motifs `M0`, `M1`, ..., numbered among all kernels.
    pub fn motifs(&self) -> Vec<Motif> {
        let with_sites = (0..self.kernels()).filter(|&kernel| self.sites[kernel] > 0);
        with_sites
            .map(|kernel| Motif {
                id: format!("M{kernel}"),
                label: Some(format!("O{kernel}")),
                nsites: Some(self.sites[kernel] as f64),
                rows: self.probabilities(kernel),
            })
            .collect()
    }

    /// A track's mean over each kernel's sites: (kernels, width), row-major; NaN for kernels without a site.
    pub fn mean_signal(&self, track: usize) -> Vec<f64> {
        let mut means = Vec::with_capacity(self.kernels() * self.width);
        for (kernel, &sites) in self.sites.iter().enumerate() {
            let start = (kernel * self.tracks + track) * self.width;
            let sums = &self.signals[start..start + self.width];
            means.extend(sums.iter().map(|sum| match sites {
                0 => f64::NAN,
                sites => sum / sites as f64,
            }));
        }
        means
    }

    /// Writes the kernels with sites in the layout of FactorNet's motifs.txt (MEME 4.9.0).
    pub fn write_meme(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(
            b"MEME version 4.9.0\n\nALPHABET= ACGT\n\nstrands: + -\n\n\
              Background letter frequencies (from uniform background):\n\
              A 0.25000 C 0.25000 G 0.25000 T 0.25000\n\n",
        )?;
        for kernel in (0..self.kernels()).filter(|&kernel| self.sites[kernel] > 0) {
            writeln!(writer, "MOTIF M{kernel} O{kernel}")?;
            writeln!(
                writer,
                "letter-probability matrix: alength= 4 w= {} nsites= {} E= 1337.0e-6",
                self.width, self.sites[kernel]
            )?;
            for [a, c, g, t] in self.probabilities(kernel) {
                writeln!(writer, "{a:.6} {c:.6} {g:.6} {t:.6}")?;
            }
            writeln!(writer)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "kernel_motifs_tests.rs"]
mod tests;
