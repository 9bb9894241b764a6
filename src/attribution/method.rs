//! How a prediction is explained.

/// A method, by its name in the field.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Saturation mutagenesis: every base replaced by every other, what the score becomes; less the mean of the four bases
    Ism,
    /// The score's gradient by the one-hot sequence, less the mean of the four bases
    Gradient,
    /// That gradient at the base that is there, 0 at the others
    InputXGradient,
    /// Integrated gradients, from zeros or from shuffled sequences (--baseline)
    Integrated,
    /// What each motif adds to the score, window by window (tiSFM)
    Motifs,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Ism => "ism",
            Method::Gradient => "gradient",
            Method::InputXGradient => "input-x-gradient",
            Method::Integrated => "integrated",
            Method::Motifs => "motifs",
        }
    }
}

/// Where integrated gradients begin.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// No base anywhere, and tracks of 0
    #[default]
    Zero,
    /// Shuffles of the sequence that keep its dinucleotides, with the tracks as they are; the mean over 20
    Shuffled,
}

/// Shuffles of each sequence.
pub const SHUFFLES: usize = 20;
