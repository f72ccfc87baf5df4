//! The command line's outer form: one variant for each command. Flags live with their command.

use crate::{
    explain::ExplainArgs,
    expose::ExposeArgs,
    gateway::GatewayArgs,
    routes::RoutesArgs,
    up::{BackupArgs, RestoreArgs, UpArgs},
    watch::WatchArgs,
};
use clap::{Parser, Subcommand};

/// An API gateway, an AI gateway and a developer portal driven by a dynamic Kubernetes informer.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(Box<UpArgs>),
    Gateway(Box<GatewayArgs>),
    Expose(ExposeArgs),
    Routes(RoutesArgs),
    Explain(ExplainArgs),
    Watch(Box<WatchArgs>),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    /// Print a shell completion script
    #[command(long_about = "Print a shell completion script.\n\n\
        For bash: source <(tidegate completion bash)\n\
        For zsh: tidegate completion zsh > \"${fpath[1]}/_tidegate\"\n\
        For fish: tidegate completion fish | source")]
    Completion {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    //! clap's own check of the definition.

    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
