//! What the campaign tests: the command line of menshen, built with its fault points.

fn main() -> std::process::ExitCode {
    menshen::cli::main()
}
