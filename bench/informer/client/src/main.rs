//! Contestant: one informer of the Tidegate library with one handler, watched from outside.
//!
//! Says on stdout what all contestants say; see the README beside. Everything that knows the library is in `adapter`.

mod adapter;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use informer_bench_protocol::{Session, use_one_arena};

/// Caches one resource and answers signals about it.
#[derive(Debug, Parser)]
#[command(name = "informer-bench")]
struct Args {
    /// URL of the API server, such as http://127.0.0.1:8001
    #[arg(long)]
    server: String,
    /// pods, deployments, endpointslices, or group/version/resource
    #[arg(long, default_value = "pods")]
    resource: String,
    /// Only this namespace
    #[arg(long)]
    namespace: Option<String>,
    /// How objects are kept
    #[arg(long, value_enum, default_value_t = Mode::Default)]
    mode: Mode,
}

/// How objects are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// As the library does unless told otherwise: compressed.
    Default,
    /// As JSON bytes.
    Plain,
}

fn main() -> anyhow::Result<()> {
    use_one_arena();
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(run(args))
}

async fn run(args: Args) -> anyhow::Result<()> {
    let resource = adapter::resource(&args.resource)?;
    let session = Session::start().await.context("start")?;
    let cache = adapter::Cache::start(&args, resource, session.clone()).await?;
    cache.synced().await?;
    session.synced().context("report")?;
    cache.check_reads()?;
    session.until_stopped().await.context("wait for the end")
}

#[cfg(test)]
mod tests {
    use super::{Args, Mode};
    use clap::Parser as _;

    #[test]
    fn the_command_line_of_the_runner() {
        let args = [
            "informer-bench",
            "--server",
            "http://127.0.0.1:1",
            "--resource",
            "pods",
            "--mode",
            "plain",
        ];
        let args = Args::parse_from(args);
        assert_eq!((args.mode, args.namespace), (Mode::Plain, None));
        assert!(
            Args::try_parse_from(["informer-bench"]).is_err(),
            "a server is needed"
        );
    }
}
