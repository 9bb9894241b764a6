//! One file a format; nothing here knows a model.
