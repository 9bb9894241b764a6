use std::process::ExitCode;

fn main() -> ExitCode {
    cisgrad::cli::main()
}
