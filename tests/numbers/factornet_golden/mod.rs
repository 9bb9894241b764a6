//! FactorNet against the original program's numbers (Keras 1.2.2 on Theano, f64).

mod case;
mod layers;
mod network;
