//! Programs that the tests start, from Debian's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{output, succeed};
use crate::{Result, postgres};

/// A package, and the program in it that the tests start.
struct Package {
    name: &'static str,
    installed: fn() -> bool,
}

const PACKAGES: [Package; 17] = [
    Package { name: "postgresql", installed: || postgres::programs().is_some() },
    Package { name: "nginx", installed: || find("nginx").is_some() },
    Package { name: "caddy", installed: || find("caddy").is_some() },
    Package { name: "apache2-bin", installed: || find("apache2").is_some() },
    Package {
        name: "libapache2-mod-oauth2",
        installed: || Path::new("/usr/lib/apache2/modules/mod_oauth2.so").is_file(),
    },
    Package { name: "haproxy", installed: || find("haproxy").is_some() },
    // The console's tests are a browser's.
    Package { name: "chromium", installed: || find("chromium").is_some() },
    Package { name: "chromium-driver", installed: || find("chromedriver").is_some() },
    // Rates of several nodes are counted there.
    Package { name: "redis-server", installed: || find("redis-server").is_some() },
    // For promtool, which Debian has nowhere else.
    Package { name: "prometheus", installed: || find("promtool").is_some() },
    // For programs that Debian has not: `wheels.rs`.
    Package { name: "python3-pip", installed: || Path::new("/usr/lib/python3/dist-packages/pip").is_dir() },
    // The TypeScript client, and code that the console shows to be pasted.
    Package { name: "nodejs", installed: || find("node").is_some() },
    Package { name: "npm", installed: || find("npm").is_some() },
    Package { name: "golang-go", installed: || find("go").is_some() },
    Package { name: "default-jdk-headless", installed: || find("java").is_some() },
    // What a client of the web service asks by, with the same Python.
    Package { name: "python3-requests", installed: || Path::new("/usr/lib/python3/dist-packages/requests").is_dir() },
    // A real SMTP server with TLS and sign-in, for Debian's own Python.
    Package { name: "python3-aiosmtpd", installed: || Path::new("/usr/lib/python3/dist-packages/aiosmtpd").is_dir() },
];

/// Folders of servers that are not on everybody's PATH.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Debian starts a service as it installs it; the tests start their own instances on free ports. A `policy-rc.d` that refuses is Debian's
/// way to say so; it stands only while the packages are installed, and only where there was none.
const INSTALL: &str = r#"
set -eu
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends "$@"
"#;

/// Installs what is missing, as root or by `sudo`; services are not started.
pub fn install_missing() -> Result {
    let missing: Vec<_> =
        PACKAGES.iter().filter(|package| !(package.installed)()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if find("apt-get").is_none() {
        return Err(format!("missing programs: install what Debian calls {names}").into());
    }
    let mut command = if is_root()? {
        Command::new("sh")
    } else if find("sudo").is_some() {
        let mut command = Command::new("sudo");
        command.arg("sh");
        command
    } else {
        return Err(format!("missing programs: run `apt-get install {names}` as root, or make sudo available").into());
    };
    eprintln!("xtask: installing {names}");
    succeed(command.args(["-c", INSTALL, "install"]).args(&missing))?;
    match PACKAGES.iter().find(|package| !(package.installed)()) {
        Some(package) => Err(format!("the package {} is installed, but its program is not found", package.name).into()),
        None => Ok(()),
    }
}

/// Whether this process runs as root.
pub fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// A program on PATH or in a folder of system programs.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| is_file(path))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}
