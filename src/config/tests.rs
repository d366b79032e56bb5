#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use std::path::Path;

fn surroundings() -> Surroundings {
    Surroundings {
        env: Box::new(|name| (name == "MENSHEN_APP_SECRET").then(|| "s3cr3t".into())),
        credentials_dir: None,
        root: false,
        working_dir: "/nowhere".into(),
        system_config: "/nowhere/menshen.toml".into(),
    }
}

#[test]
fn scratch() {
    let dir = Path::new("/tmp/scratch");
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") { continue }
        println!("=== {}", path.display());
        match load(&path, &surroundings(), Need::Secrets) {
            Ok(config) => println!("OK {:?}", (config.service, config.accounts, config.limits, config.policy.spec, config.policy.cases)),
            Err(error) => println!("{}", error.render(false)),
        }
    }
}
