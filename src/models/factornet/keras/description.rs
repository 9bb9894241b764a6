//! A network as Keras 1.2.2's `model.to_json()` describes it: [`super::architecture`] the other way.

use serde_json::{Value, json};

use super::architecture::Architecture;
use super::weights;

/// The version whose form this is; the original's readme asks for it.
pub const KERAS_VERSION: &str = "1.2.2";

/// A network's layers, named as Keras names those of a program's first network.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// `{"layers": ..., "input_layers": ..., "output_layers": ..., "name": "model_1"}`.
    graph: Value,
    /// Of all layers, in order, those without weights too.
    pub layer_names: Vec<String>,
}

impl Described {
    pub fn of(network: &Architecture) -> Described {
        let mut chain = Chain::default();
        chain.network(network)
    }

    /// What model.json holds.
    pub fn model_json(&self) -> String {
        json!({
            "class_name": "Model",
            "keras_version": KERAS_VERSION,
            "config": self.graph,
        })
        .to_string()
    }

    /// What a whole model's weights file says of the network.
    pub fn model_config(&self) -> String {
        json!({"class_name": "Model", "config": self.graph}).to_string()
    }
}

/// What a whole model's weights file says of the training: the original's loss and its Adam.
pub fn training_config(learning_rate: f64) -> String {
    // Keras asks Theano for them, where they are f32.
    let rate = |rate: f64| f64::from(rate as f32);
    json!({
        "metrics": ["accuracy"],
        "loss": "binary_crossentropy",
        "optimizer_config": {
            "class_name": "Adam",
            "config": {
                "lr": rate(learning_rate),
                "beta_1": rate(0.9),
                "beta_2": rate(0.999),
                "epsilon": 1e-8,
                "decay": 0.0,
            },
        },
        "loss_weights": null,
        "sample_weight_mode": null,
    })
    .to_string()
}

/// A layer's name, and which of its calls.
type End = (String, usize);

#[derive(Default)]
struct Chain {
    layers: Vec<Value>,
    names: Vec<String>,
    /// Where the two strands' values come from at this point.
    ends: [End; 2],
    dropouts: usize,
    denses: usize,
    merges: usize,
}

impl Chain {
    fn network(&mut self, a: &Architecture) -> Described {
        let dna = json!([null, a.seqlen, a.channels]);
        self.input("input_1", &dna);
        self.input("input_2", &dna);
        self.ends = [("input_1".into(), 0), ("input_2".into(), 0)];

        let name = "convolution1d_1";
        self.shared(
            "Convolution1D",
            name,
            json!({
                "batch_input_shape": [null, null, a.channels],
                "W_constraint": null,
                "b_constraint": null,
                "name": name,
                "activity_regularizer": null,
                "trainable": true,
                "filter_length": a.width,
                "init": "glorot_uniform",
                "bias": true,
                "nb_filter": a.kernels,
                "input_dtype": "float32",
                "subsample_length": 1,
                "border_mode": "valid",
                "input_dim": a.channels,
                "b_regularizer": null,
                "W_regularizer": null,
                "activation": "relu",
                "input_length": null,
            }),
        );
        self.dropout(a.dropouts.conv);

        let positions = self.dense_config(a.kernels, a.kernels, "relu");
        let name = "timedistributed_1";
        self.shared(
            "TimeDistributed",
            name,
            json!({
                "layer": {"class_name": "Dense", "config": positions},
                "trainable": true,
                "name": name,
            }),
        );
        self.pooling(a);
        self.dropout(a.dropouts.features);
        if a.recurrent >= 0 {
            self.plain("Flatten", "flatten_1");
        }
        self.dense(weights::features(a), a.dense, "relu");
        if a.meta > 0 {
            self.input("input_3", &json!([null, a.meta]));
            self.join();
            self.dropout(a.dropouts.meta);
            self.dense(a.dense + a.meta, a.dense, "relu");
        }
        self.dropout(a.dropouts.dense);
        self.dense(a.dense, a.outputs, "sigmoid");
        let last = self.merge("ave");
        let [first, second] = &self.ends;
        let strands = json!([[[first.0, first.1, 0], [second.0, second.1, 0]]]);
        self.add("Merge", &last.0, last.1, strands);

        let inputs = ["input_1", "input_2", "input_3"];
        let inputs = &inputs[..if a.meta > 0 { 3 } else { 2 }];
        let inputs: Vec<Value> = inputs.iter().map(|name| json!([name, 0, 0])).collect();
        Described {
            graph: json!({
                "layers": std::mem::take(&mut self.layers),
                "input_layers": inputs,
                "output_layers": [[last.0, 0, 0]],
                "name": "model_1",
            }),
            layer_names: std::mem::take(&mut self.names),
        }
    }

    fn pooling(&mut self, a: &Architecture) {
        if a.recurrent < 0 {
            return self.plain("GlobalMaxPooling1D", "globalmaxpooling1d_1");
        }
        let name = "maxpooling1d_1";
        self.shared(
            "MaxPooling1D",
            name,
            json!({
                "stride": a.width / 2,
                "pool_length": a.width / 2,
                "trainable": true,
                "name": name,
                "border_mode": "valid",
            }),
        );
        if a.recurrent == 0 {
            return;
        }
        let name = "bidirectional_1";
        self.shared(
            "Bidirectional",
            name,
            json!({
                "merge_mode": "concat",
                "layer": {"class_name": "LSTM", "config": {
                    "U_regularizer": null,
                    "name": "lstm_1",
                    "inner_activation": "hard_sigmoid",
                    "go_backwards": false,
                    "activation": "tanh",
                    "trainable": true,
                    "unroll": false,
                    "consume_less": "cpu",
                    "stateful": false,
                    "init": "glorot_uniform",
                    "inner_init": "orthogonal",
                    "dropout_U": a.dropouts.lstm_u.unwrap_or(0.0),
                    "dropout_W": a.dropouts.lstm_w.unwrap_or(0.0),
                    "input_dim": null,
                    "return_sequences": true,
                    "b_regularizer": null,
                    "W_regularizer": null,
                    "output_dim": a.recurrent,
                    "forget_bias_init": "one",
                    "input_length": null,
                }},
                "trainable": true,
                "name": name,
            }),
        );
    }

    fn add(&mut self, class: &str, name: &str, config: Value, inbound: Value) {
        self.names.push(name.to_string());
        self.layers.push(json!({
            "class_name": class,
            "config": config,
            "inbound_nodes": inbound,
            "name": name,
        }));
    }

    fn input(&mut self, name: &str, shape: &Value) {
        let config = json!({
            "batch_input_shape": shape,
            "input_dtype": "float32",
            "sparse": false,
            "name": name,
        });
        self.add("InputLayer", name, config, json!([]));
    }

    /// A layer called on either strand with what the layer before it made.
    fn shared(&mut self, class: &str, name: &str, config: Value) {
        let [first, second] = &self.ends;
        let calls = json!([[[first.0, first.1, 0]], [[second.0, second.1, 0]]]);
        self.add(class, name, config, calls);
        self.ends = [(name.into(), 0), (name.into(), 1)];
    }

    fn plain(&mut self, class: &str, name: &str) {
        self.shared(class, name, json!({"trainable": true, "name": name}));
    }

    fn dropout(&mut self, rate: Option<f64>) {
        let Some(rate) = rate else { return };
        self.dropouts += 1;
        let name = format!("dropout_{}", self.dropouts);
        self.shared(
            "Dropout",
            &name,
            json!({"p": rate, "trainable": true, "name": name}),
        );
    }

    fn dense_config(&mut self, inputs: usize, outputs: usize, activation: &str) -> Value {
        self.denses += 1;
        json!({
            "W_constraint": null,
            "b_constraint": null,
            "name": format!("dense_{}", self.denses),
            "activity_regularizer": null,
            "trainable": true,
            "init": "glorot_uniform",
            "bias": true,
            "input_dim": inputs,
            "b_regularizer": null,
            "W_regularizer": null,
            "activation": activation,
            "output_dim": outputs,
        })
    }

    fn dense(&mut self, inputs: usize, outputs: usize, activation: &str) {
        let config = self.dense_config(inputs, outputs, activation);
        let name = format!("dense_{}", self.denses);
        self.shared("Dense", &name, config);
    }

    /// The meta values behind each strand's own: a layer a strand.
    fn join(&mut self) {
        for strand in 0..2 {
            let (name, config) = self.merge("concat");
            let (from, call) = &self.ends[strand];
            let joined = json!([[[from, call, 0], ["input_3", 0, 0]]]);
            self.add("Merge", &name, config, joined);
            self.ends[strand] = (name, 0);
        }
    }

    /// The next merging layer's name and settings.
    fn merge(&mut self, mode: &str) -> (String, Value) {
        self.merges += 1;
        let name = format!("merge_{}", self.merges);
        let config = json!({
            "name": name,
            "concat_axis": -1,
            "mode_type": "raw",
            "dot_axes": -1,
            "output_mask_type": "raw",
            "arguments": {},
            "output_mask": null,
            "mode": mode,
            "output_shape": null,
            "output_shape_type": "raw",
        });
        (name, config)
    }
}
