//! `berthctl completions`, and `generate`, which writes what is checked in below `share/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate, generate_to};

use crate::{cli::Cli, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  source <(berthctl completions bash)
  berthctl completions zsh > \"${fpath[1]}/_berthctl\"
  berthctl completions fish > ~/.config/fish/completions/berthctl.fish";

/// Shells whose completions are checked in.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Print the completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Write completions and manual pages.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Where to.
    folder: PathBuf,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut text = Vec::new();
        generate(self.shell, &mut Cli::command(), "berthctl", &mut text);
        io::Write::write_all(&mut io::stdout(), &text).map_err(Failure::output)
    }
}

impl Generate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        write(&self.folder).map_err(|source| Failure::System { what: "to write there", source })
    }
}

fn write(folder: &Path) -> io::Result<()> {
    let (completions, man) = (folder.join("completions"), folder.join("man"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&man)?;
    for shell in SHELLS {
        generate_to(shell, &mut Cli::command(), "berthctl", &completions)?;
    }
    clap_mangen::generate_to(Cli::command(), &man)
}
