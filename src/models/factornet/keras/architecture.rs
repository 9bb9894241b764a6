//! The network in a Keras 1.x `model.json`: FactorNet's chain of layers, run over both strands.

use crate::numbers::counted;
use serde::Deserialize;
use serde_json::Value;

/// Rates of the dropout layers; None where the network has no such layer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dropouts {
    /// After the convolution.
    pub conv: Option<f64>,
    /// On the LSTM's inputs, one mask a gate and sequence.
    pub lstm_w: Option<f64>,
    /// On the LSTM's state, one mask a gate and sequence.
    pub lstm_u: Option<f64>,
    /// After the LSTM, or after the pooling where there is none.
    pub features: Option<f64>,
    /// After the meta values have joined.
    pub meta: Option<f64>,
    /// After the last hidden dense layer.
    pub dense: Option<f64>,
}

/// The numbers that make a FactorNet.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Bases in a window.
    pub seqlen: usize,
    /// 4 for the bases, and one a track.
    pub channels: usize,
    /// Bases under a kernel; pooling is over half of it, rounded down.
    pub width: usize,
    pub kernels: usize,
    /// Units of the LSTM a direction; 0: no LSTM; -1: maximum over all positions in place of pooling and LSTM.
    pub recurrent: i64,
    pub dense: usize,
    pub outputs: usize,
    /// Values that join after the first dense layer; 0: the network has no such input.
    pub meta: usize,
    pub dropouts: Dropouts,
}

type Parsed<T> = std::result::Result<T, String>;

/// Reads a network.
///
/// Errors name the layer: one that is not known or stands where FactorNet has none, an activation or setting other than
/// FactorNet's, a layer that does not read its predecessor on both strands, sizes that contradict each other.
pub fn parse(json: &str) -> Parsed<Architecture> {
    let model: Model =
        serde_json::from_str(json).map_err(|e| format!("not a Keras model in JSON: {e}"))?;
    if model.class_name != "Model" {
        return Err(format!(
            "a Keras {:?}, expected a \"Model\" (two strands through the same layers)",
            model.class_name
        ));
    }
    let mut chain = Chain::new(&model.config)?;
    let architecture = chain.read()?;
    chain.end(&model.config.output_layers)?;
    Ok(architecture)
}

#[derive(Deserialize)]
struct Model {
    class_name: String,
    config: Graph,
}

#[derive(Deserialize)]
struct Graph {
    layers: Vec<Layer>,
    input_layers: Vec<Source>,
    output_layers: Vec<Source>,
}

/// A layer's name, which of its calls, and which of the call's outputs.
type Source = (String, usize, usize);

#[derive(Deserialize)]
struct Layer {
    class_name: String,
    name: String,
    config: Value,
    /// For each call, its inputs.
    inbound_nodes: Vec<Vec<Source>>,
}

impl Layer {
    fn size(&self, key: &str) -> Parsed<usize> {
        size(&self.config, key).map_err(|e| self.error(e))
    }

    fn rate(&self, key: &str) -> Parsed<f64> {
        rate(&self.config, key).map_err(|e| self.error(e))
    }

    fn expect(&self, key: &str, expected: impl Into<Value>) -> Parsed<()> {
        expect(&self.config, key, expected).map_err(|e| self.error(e))
    }

    fn error(&self, message: impl std::fmt::Display) -> String {
        format!("layer {:?} ({}): {message}", self.name, self.class_name)
    }
}

fn size(config: &Value, key: &str) -> Parsed<usize> {
    match config[key].as_u64() {
        Some(n @ 1..=0x7fff_ffff) => Ok(n as usize),
        _ => Err(format!("{key} is {}, expected a size", config[key])),
    }
}

fn rate(config: &Value, key: &str) -> Parsed<f64> {
    config[key]
        .as_f64()
        .filter(|p| (0.0..1.0).contains(p))
        .ok_or_else(|| format!("{key} is {}, expected a rate from 0 to 1", config[key]))
}

fn expect(config: &Value, key: &str, expected: impl Into<Value>) -> Parsed<()> {
    let expected = expected.into();
    if config[key] == expected {
        Ok(())
    } else {
        Err(format!("{key} is {}, expected {expected}", config[key]))
    }
}

/// The layers but for the inputs, in the order of the file, which is that of the data's way.
struct Chain<'a> {
    layers: std::iter::Peekable<std::vec::IntoIter<&'a Layer>>,
    /// Where the two strands' values come from at this point.
    ends: [Source; 2],
    dna: (usize, usize),
    /// The input of meta values and their number.
    meta: Option<(Source, usize)>,
}

impl<'a> Chain<'a> {
    fn new(graph: &'a Graph) -> Parsed<Self> {
        let shape = |source: &Source| -> Parsed<Vec<u64>> {
            let layer = graph
                .layers
                .iter()
                .find(|l| l.name == source.0 && l.class_name == "InputLayer")
                .ok_or_else(|| format!("no input layer {:?}", source.0))?;
            let shape = layer.config["batch_input_shape"].as_array();
            let extents = shape.and_then(|s| s.get(1..)?.iter().map(Value::as_u64).collect());
            extents
                .filter(|extents: &Vec<u64>| extents.iter().all(|n| (1..1 << 31).contains(n)))
                .ok_or_else(|| layer.error("batch_input_shape does not give its sizes"))
        };
        let shapes = graph
            .input_layers
            .iter()
            .map(shape)
            .collect::<Parsed<Vec<_>>>()?;
        let (dna, meta) = match shapes.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
            [a @ &[length, channels], b] if a == b => ((length, channels), None),
            [a @ &[length, channels], b, &[meta]] if a == b => ((length, channels), Some(meta)),
            _ => {
                return Err(format!(
                    "inputs of shapes {shapes:?}, expected two alike (length, channels) and perhaps one (values)"
                ));
            }
        };
        let inputs = &graph.input_layers;
        Ok(Chain {
            layers: graph
                .layers
                .iter()
                .filter(|l| l.class_name != "InputLayer")
                .collect::<Vec<_>>()
                .into_iter()
                .peekable(),
            ends: [inputs[0].clone(), inputs[1].clone()],
            dna: (dna.0 as usize, dna.1 as usize),
            meta: meta.map(|count| (inputs[2].clone(), count as usize)),
        })
    }

    fn read(&mut self) -> Parsed<Architecture> {
        let mut dropouts = Dropouts::default();
        let (seqlen, channels) = self.dna;

        let conv = self.shared("Convolution1D")?;
        let (width, kernels) = (conv.size("filter_length")?, conv.size("nb_filter")?);
        conv.expect("activation", "relu")?;
        conv.expect("border_mode", "valid")?;
        conv.expect("subsample_length", 1)?;
        conv.expect("bias", true)?;
        if channels < 4 {
            return Err(conv.error(format!(
                "{}, expected 4 or more",
                counted(channels, "channel")
            )));
        }
        if conv.config["input_dim"] != Value::Null {
            conv.expect("input_dim", channels)?;
        }
        if !(2..=seqlen).contains(&width) {
            return Err(conv.error(format!(
                "filter_length {width}, expected 2 to the window's {seqlen}"
            )));
        }
        dropouts.conv = self.dropout()?;

        let positions = self.shared("TimeDistributed")?;
        let inner = &positions.config["layer"];
        let check = |result: Parsed<()>| result.map_err(|e| positions.error(e));
        check(expect(inner, "class_name", "Dense"))?;
        check(dense_settings(&inner["config"], "relu"))?;
        check(expect(&inner["config"], "output_dim", kernels))?;

        let mut recurrent = 0;
        if self.next_is("GlobalMaxPooling1D") {
            self.shared("GlobalMaxPooling1D")?;
            recurrent = -1;
        } else {
            let pool = self.shared("MaxPooling1D")?;
            pool.expect("pool_length", width / 2)?;
            pool.expect("stride", width / 2)?;
            pool.expect("border_mode", "valid")?;
            if (seqlen - width + 1) < width / 2 {
                return Err(pool.error("pools over more positions than there are"));
            }
            if self.next_is("Bidirectional") {
                recurrent = self.lstm(&mut dropouts)? as i64;
            }
        }
        dropouts.features = self.dropout()?;
        if recurrent >= 0 {
            self.shared("Flatten")?;
        }

        let (dense, _) = self.dense("relu")?;
        let meta = match self.meta.clone() {
            Some((input, count)) => {
                self.join(&input)?;
                dropouts.meta = self.dropout()?;
                let (second, layer) = self.dense("relu")?;
                if second != dense {
                    return Err(layer.error(format!(
                        "output_dim is {second}, expected {dense} as in the first dense layer"
                    )));
                }
                count
            }
            None => 0,
        };
        dropouts.dense = self.dropout()?;
        let (outputs, _) = self.dense("sigmoid")?;
        Ok(Architecture {
            seqlen,
            channels,
            width,
            kernels,
            recurrent,
            dense,
            outputs,
            meta,
            dropouts,
        })
    }

    fn lstm(&mut self, dropouts: &mut Dropouts) -> Parsed<usize> {
        let layer = self.shared("Bidirectional")?;
        layer.expect("merge_mode", "concat")?;
        let inner = &layer.config["layer"];
        let lstm = &inner["config"];
        let read = || -> Parsed<(usize, f64, f64)> {
            expect(inner, "class_name", "LSTM")?;
            expect(lstm, "activation", "tanh")?;
            expect(lstm, "inner_activation", "hard_sigmoid")?;
            expect(lstm, "return_sequences", true)?;
            expect(lstm, "go_backwards", false)?;
            expect(lstm, "stateful", false)?;
            Ok((
                size(lstm, "output_dim")?,
                rate(lstm, "dropout_W")?,
                rate(lstm, "dropout_U")?,
            ))
        };
        let (units, w, u) = read().map_err(|e| layer.error(e))?;
        (dropouts.lstm_w, dropouts.lstm_u) = (Some(w), Some(u));
        Ok(units)
    }

    fn dense(&mut self, activation: &str) -> Parsed<(usize, &'a Layer)> {
        let layer = self.shared("Dense")?;
        dense_settings(&layer.config, activation).map_err(|e| layer.error(e))?;
        Ok((layer.size("output_dim")?, layer))
    }

    fn dropout(&mut self) -> Parsed<Option<f64>> {
        if self.next_is("Dropout") {
            self.shared("Dropout")?.rate("p").map(Some)
        } else {
            Ok(None)
        }
    }

    fn next_is(&mut self, class: &str) -> bool {
        self.layers.peek().is_some_and(|l| l.class_name == class)
    }

    fn next(&mut self, class: &str) -> Parsed<&'a Layer> {
        match self.layers.next() {
            Some(layer) if layer.class_name == class => Ok(layer),
            Some(layer) => Err(layer.error(format!("expected a {class} here"))),
            None => Err(format!("the network ends where a {class} was expected")),
        }
    }

    /// The next layer, called on either strand with what the layer before it made.
    fn shared(&mut self, class: &str) -> Parsed<&'a Layer> {
        let layer = self.next(class)?;
        let calls = [vec![self.ends[0].clone()], vec![self.ends[1].clone()]];
        if layer.inbound_nodes != calls {
            return Err(layer.error(format!(
                "does not read {:?} on both strands",
                self.ends[0].0
            )));
        }
        self.ends = [(layer.name.clone(), 0, 0), (layer.name.clone(), 1, 0)];
        Ok(layer)
    }

    /// The meta values behind each strand's own: a layer a strand.
    fn join(&mut self, input: &Source) -> Parsed<()> {
        for strand in 0..2 {
            let layer = self.next("Merge")?;
            layer.expect("mode", "concat")?;
            layer.expect("concat_axis", -1)?;
            let call = [vec![self.ends[strand].clone(), input.clone()]];
            if layer.inbound_nodes != call {
                return Err(layer.error("does not join the dense layer and the meta values"));
            }
            self.ends[strand] = (layer.name.clone(), 0, 0);
        }
        Ok(())
    }

    /// The mean of both strands' probabilities is all that is left.
    fn end(&mut self, outputs: &[Source]) -> Parsed<()> {
        let layer = self.next("Merge")?;
        layer.expect("mode", "ave")?;
        if layer.inbound_nodes != [self.ends.to_vec()] {
            return Err(layer.error("does not average the two strands"));
        }
        if outputs != [(layer.name.clone(), 0, 0)] {
            return Err(layer.error("is not the network's one output"));
        }
        match self.layers.next() {
            None => Ok(()),
            Some(more) => Err(more.error("comes after the network's output")),
        }
    }
}

fn dense_settings(config: &Value, activation: &str) -> Parsed<()> {
    expect(config, "activation", activation)?;
    expect(config, "bias", true)
}
