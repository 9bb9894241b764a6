//! How large a block's weights become, known before it is recorded: ops count with these sizes, and a network that does not
//! fit into memory is refused where it can still be said which block it is.

use super::build::Builder;
use super::spec::{Block, Strands};
use crate::engine::memory::{self, Bytes};
use crate::engine::{Real, Var};
use crate::numbers::counted;
use crate::{Error, Result};

impl<T: Real> Builder<'_, T> {
    /// That the bases of a sequence fit into memory: tables as long as they are made while recording.
    pub(super) fn check_window(&self) -> Result<()> {
        let window = self.dimensions.window;
        let what = format!("a sequence of {}", counted(window, "base"));
        memory::check(what, Bytes::of::<T>(&[4, window]))
    }

    /// That all that was recorded so far fits into memory, with numbers of this shape beside it.
    pub(super) fn check_memory(&self, block: &Block, shape: &[usize]) -> Result<()> {
        let needed = self.tape.bytes() + Bytes::of::<T>(shape);
        memory::check(self.place(block), needed)
    }

    /// [`Builder::check_memory`] for a block that is about to be recorded on `x`.
    ///
    /// # Errors
    /// A number of the block, or its weights, are too large.
    pub(super) fn check_block(&self, block: &Block, x: Var) -> Result<()> {
        check_numbers(block).map_err(|e| self.error(block, e))?;
        let shape = self.tape.shape(x);
        let features = self.tape.len(x);
        self.check_memory(
            block,
            &weight(block, shape, features, self.dimensions.outputs),
        )
    }

    /// [`Builder::check_memory`] for the motif layer.
    pub(super) fn check_motifs(&self, block: &Block, strands: Strands) -> Result<()> {
        match self.kernels {
            Some(kernels) => {
                let buffer = [kernels.channels(strands), 4, kernels.width()];
                self.check_memory(block, &buffer)
            }
            None => Ok(()),
        }
    }
}

/// The shape of a block's largest weight, or more: for an input of this shape with so many `features` in all.
fn weight(block: &Block, shape: &[usize], features: usize, outputs: usize) -> Vec<usize> {
    let channels = shape.first().copied().unwrap_or(1);
    let length = shape.last().copied().unwrap_or(1);
    let most = |widths: &[usize]| widths.iter().copied().max().unwrap_or(0);
    match block {
        Block::Convolution { filters, width, .. } => vec![*filters, channels, *width],
        Block::InputAttention { heads, .. } => vec![*heads, channels, channels],
        Block::ChannelAttention { heads, inner, .. } => {
            vec![*heads, *inner.max(&channels), channels]
        }
        Block::Gate { .. } | Block::AndOr { .. } | Block::Amplification { .. } => {
            vec![features, features]
        }
        Block::LocationAware { .. } => vec![4, channels, channels],
        Block::Diffusion { width, .. } => vec![channels, length.saturating_add(*width)],
        Block::Modulation { widths, .. } => vec![channels, most(widths)],
        Block::Focal { widths, .. }
        | Block::FocalPool { widths, .. }
        | Block::FocalMask { widths, .. } => vec![channels, channels.max(most(widths))],
        Block::FocalViaPooling { .. } | Block::PositionGate { .. } | Block::GlobalGate { .. } => {
            vec![channels, channels]
        }
        Block::Effect { .. } => vec![outputs, channels],
        Block::Nystrom { archetypes, .. } => vec![*archetypes, *archetypes.max(&length)],
        Block::NystromConvolution {
            archetypes, width, ..
        } => vec![*archetypes, *archetypes.max(width)],
        Block::Linear { size, .. } => vec![size.unwrap_or(outputs), features],
        Block::Position { .. }
        | Block::Motifs { .. }
        | Block::Activation { .. }
        | Block::ChannelScale { .. }
        | Block::MergeStrands {}
        | Block::AttentionPool { .. }
        | Block::JointAttentionPool { .. }
        | Block::MaxPool { .. }
        | Block::GlobalMaxPool {}
        | Block::BatchNorm { .. }
        | Block::Dropout { .. }
        | Block::IdleLinear { .. }
        | Block::IdlePool { .. } => vec![features],
    }
}

/// That there is memory for as many numbers as each size of a block says: the network needs at least these.
fn check_numbers(block: &Block) -> Result<()> {
    let value = toml::Value::try_from(block);
    let value = value.map_err(|e| Error::invalid(format!("a number is too large ({e})")))?;
    for (field, value) in value.as_table().into_iter().flatten() {
        let Some(size) = largest(value) else { continue };
        memory::check(format!("{field} = {size}"), Bytes::of::<f32>(&[size]))?;
    }
    Ok(())
}

/// The largest whole number in a field, lists and tables in it included.
fn largest(value: &toml::Value) -> Option<usize> {
    match value {
        toml::Value::Integer(n) => usize::try_from(*n).ok(),
        toml::Value::Array(list) => list.iter().filter_map(largest).max(),
        toml::Value::Table(table) => table.values().filter_map(largest).max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::Tape;
    use crate::models::tisfm::{Dimensions, MotifKernels, Spec, build};
    use crate::train::model::Lowering;
    use std::path::Path;

    fn error(blocks: &str, window: usize) -> String {
        let text = format!("name = \"x\"\n{blocks}");
        let spec = Spec::parse(&text, Path::new("own.toml")).unwrap();
        let dimensions = Dimensions { window, outputs: 2 };
        let kernels = MotifKernels::empty(3, 5);
        let mut tape = Tape::<f32>::new(true);
        let built = build(
            &mut tape,
            &spec,
            &dimensions,
            Some(&kernels),
            Lowering::Fused,
        );
        built.err().unwrap().to_string()
    }

    #[test]
    fn numbers_that_no_memory_has_room_for_name_their_block_and_what_they_need() {
        let last = "[[block]]\nop = \"linear\"\nname = \"l\"\n";
        let filters =
            "[[block]]\nop = \"convolution\"\nname = \"c\"\nfilters = 500000\nwidth = 2\n";
        for (blocks, window, expected) in [
            (
                "[[block]]\nop = \"convolution\"\nname = \"c\"\nfilters = 9000000000000000000\nwidth = 3\n",
                20,
                "block convolution: filters = 9000000000000000000 needs about ",
            ),
            (
                "[[block]]\nop = \"convolution\"\nname = \"c\"\nfilters = 3\nwidth = 3\npadding = 9000000000000000000\n",
                20,
                "block convolution: padding = 9000000000000000000 needs about ",
            ),
            (
                "[[block]]\nop = \"input_attention\"\nname = \"a\"\nheads = 1000000000000\n",
                20,
                "block input_attention: heads = 1000000000000 needs about 4,000 GB",
            ),
            (
                "[[block]]\nop = \"modulation\"\nname = \"m\"\nwidths = [3, 1000000000000]\n",
                20,
                "block modulation: widths = 1000000000000 needs about 4,000 GB",
            ),
            (
                "[[block]]\nop = \"attention_pool\"\nname = \"p\"\nextent = { window = 1000000000000 }\n",
                20,
                "block attention_pool: extent = 1000000000000 needs about 4,000 GB",
            ),
            (
                &format!("{filters}[[block]]\nop = \"gate\"\nname = \"g\"\n"),
                20,
                "architecture x, block gate needs about ",
            ),
            (
                &format!("{filters}[[block]]\nop = \"position_gate\"\nname = \"g\"\n"),
                20,
                "architecture x, block position_gate needs about ",
            ),
            (
                "[[block]]\nop = \"nystrom\"\nname = \"n\"\narchetypes = 5000000\n",
                20,
                "architecture x, block nystrom needs about ",
            ),
            (
                "[[block]]\nop = \"linear\"\nname = \"h\"\nsize = 2000000000\n",
                200,
                "architecture x, block linear needs about ",
            ),
            (
                "",
                usize::MAX,
                "a sequence of 18446744073709551615 bases needs about ",
            ),
        ] {
            let error = error(&format!("{blocks}{last}"), window);
            assert!(error.contains(expected), "{error}\n  expected: {expected}");
            assert!(error.contains(" GB of memory; "), "{error}");
        }
    }
}
