//! Which file is the configuration.

use super::{ConfigError, Surroundings};
use crate::document::Problems;
use std::path::{Path, PathBuf};

/// `-c FILE`, else `$MENSHEN_CONFIG`, else `./menshen.toml`, else `/etc/menshen/menshen.toml`.
///
/// # Errors
/// When none was named and neither default is there; the error says where it looked and how to start. A file
/// that was named is not looked at here: [`load`](super::load) says what is wrong with it.
pub fn find(cli: Option<&Path>, surroundings: &Surroundings) -> Result<PathBuf, ConfigError> {
    if let Some(path) = cli {
        return Ok(path.to_owned());
    }
    if let Some(path) = (surroundings.env)("MENSHEN_CONFIG").filter(|p| !p.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let near = surroundings.working_dir.join("menshen.toml");
    let places = [near, surroundings.system_config.clone()];
    match places.iter().find(|path| path.exists()) {
        Some(path) => Ok(path.clone()),
        None => Err(nowhere(&places).into()),
    }
}

fn nowhere(places: &[PathBuf; 2]) -> Problems {
    let message = format!(
        "no configuration: no -c FILE, $MENSHEN_CONFIG is not set, and neither {} nor {} exists",
        places[0].display(),
        places[1].display()
    );
    let help = "copy config.example.toml to ./menshen.toml and fill it in, or add --sandbox to try menshen without one";
    Problems::about_file("no-config", "", message, Some(help.to_owned()))
}
