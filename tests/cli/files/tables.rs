//! Signal tables as spreadsheets and R write them.
