//! `claviger audit …`.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::output::{ListOf, Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List what was done, the newest first
    List(List),
    /// Write the whole chain as a file, with its head at the end
    Export(Export),
    /// Prove that the chain is whole; exit code 1 and the first bad number if it is not
    Verify(Verify),
}

/// Which entries.
#[derive(Debug, Args)]
struct Which {
    /// `organization`, or the operator's `installation`
    #[arg(long)]
    chain: Option<Chain>,
    /// By the actor with this id or of this type
    #[arg(long)]
    actor: Option<String>,
    /// Of this action, such as `key.edit` or `key.*`
    #[arg(long)]
    action: Option<String>,
    /// About the object with this id or of this type
    #[arg(long)]
    object: Option<String>,
    /// Of this instant or later
    #[arg(long)]
    after: Option<String>,
    /// Before this instant
    #[arg(long)]
    before: Option<String>,
    /// With this in actor, action, object, address, request id or in what changed
    #[arg(long)]
    text: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Chain {
    Organization,
    Installation,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// `-at`, the newest first, or `at`
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,
    /// JSON Lines or CSV
    #[arg(long, default_value = "jsonl")]
    format: Format,
    /// The file to write; standard output if not given
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// `organization`, or the operator's `installation`
    #[arg(long)]
    chain: Option<Chain>,
    /// A head that was noted elsewhere, as the log and exports have it
    #[arg(long, value_name = "SEQ:MAC", conflicts_with = "export")]
    head: Option<String>,
    /// An unfiltered export in JSON Lines: each of its entries must still be there, as it was
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

/// Compares what is written to it with the lines of a file, as far as that goes.
struct Comparison {
    lines: std::io::Lines<BufReader<File>>,
    /// The bytes of a line that has not ended yet.
    begun: Vec<u8>,
    /// The first number that differs.
    differs: Option<u64>,
    /// Entries up to this one were removed since, and cannot be compared.
    removed: u64,
    /// The file's last line has come.
    ended: bool,
}

// === impl AuditCommand ===

impl AuditCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(client, output).await,
            Self::Export(export) => export.run(client, output).await,
            Self::Verify(verify) => verify.run(client, output).await,
        }
    }
}

// === impl Which ===

impl Which {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = chain_query(self.chain);
        let texts = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("object", &self.object),
            ("after", &self.after),
            ("before", &self.before),
            ("text", &self.text),
        ];
        query.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        query
    }
}

fn chain_query(chain: Option<Chain>) -> Vec<(&'static str, String)> {
    let name = chain.map(|chain| match chain {
        Chain::Organization => "organization",
        Chain::Installation => "installation",
    });
    name.map(|name| ("chain", name.to_owned())).into_iter().collect()
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = self.which.query();
        query.extend(self.sort.clone().map(|sort| ("sort", sort)));
        query.push(("limit", self.limit.to_string()));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["audit"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["SEQ", "AT", "ACTOR", "ACTION", "OBJECT", "IP"]);
        for entry in answer["data"].as_array().into_iter().flatten() {
            let cells =
                [&entry["seq"], &entry["at"], &entry["actor"], &entry["action"], &entry["object"], &entry["ip"]];
            table.row(cells.map(cell));
        }
        let page = ListOf { things: "entries", make: "" };
        output.page(&table, &answer, &query, page)?;
        match removed(&answer) {
            Some(told) => output.text(told),
            None => Ok(()),
        }
    }
}

// === impl Export ===

impl Export {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = self.which.query();
        let format = match self.format {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
        };
        query.push(("format", format.to_owned()));
        let Some(path) = &self.output else {
            return match client.download(&["audit", "export"], &query, &mut std::io::stdout()).await {
                Err(failure) if failure.is_closed_pipe() => Ok(()),
                result => result,
            };
        };
        let cannot = |error: std::io::Error| Failure::usage(format!("cannot write {}: {error}", path.display()));
        let mut file = File::create(path).map_err(cannot)?;
        client.download(&["audit", "export"], &query, &mut file).await?;
        file.sync_all().map_err(cannot)?;
        if output.is_json() { Ok(()) } else { output.text(format_args!("written to {}", path.display())) }
    }
}

// === impl Verify ===

impl Verify {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = chain_query(self.chain);
        if let Some(head) = &self.head {
            let (seq, mac) = head
                .split_once(':')
                .ok_or_else(|| Failure::usage("--head: expected SEQ:MAC, as the log and exports have it"))?;
            query.extend([("seq", seq.to_owned()), ("mac", mac.to_owned())]);
        }
        if let Some(path) = &self.export {
            query.extend(head_of_export(path)?);
        }
        let answer = client.get(&["audit", "verify"], &query).await?;
        if answer["intact"] != true {
            let problem = answer["problem"].as_str().unwrap_or("The chain is not whole.");
            return Err(Failure { problem: Some(answer.clone()), ..Failure::refused(problem) });
        }
        if let Some(path) = &self.export {
            self.compare(client, path).await?;
        }
        if output.is_json() {
            return output.value(&answer);
        }
        let head = &answer["head"];
        output.text(format_args!("whole: {} entries, head {}:{}", head["seq"], head["seq"], cell(&head["mac"])))?;
        if let Some(told) = removed(&answer) {
            output.text(told)?;
        }
        if answer["noted_is_removed"] == true {
            output.text("The entry of the head that was noted is removed: the chain goes on behind it, its MAC was not compared.")?;
        }
        Ok(())
    }

    /// The chain is whole; so what differs was changed in the file.
    async fn compare(&self, client: &Client, path: &Path) -> Result<(), Failure> {
        let mut comparison = Comparison::new(open(path)?);
        let mut query = chain_query(self.chain);
        query.push(("format", "jsonl".to_owned()));
        client.download(&["audit", "export"], &query, &mut comparison).await?;
        match comparison.differs {
            None => Ok(()),
            Some(seq) => Err(Failure::refused(format!(
                "Entry {seq} of {} is not what the chain has: the file was changed, or its export was filtered.",
                path.display()
            ))),
        }
    }
}

/// That older entries were removed, where the answer says so.
fn removed(answer: &Value) -> Option<String> {
    let removed = answer["removed"].as_object()?;
    let (seq, until) = (&removed["seq"], cell(&removed["until"]));
    Some(format!("Entries up to {seq}, of {until} and before, were removed: the audit log is not kept for ever."))
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// The query that asks for the head with which an export ends, and that its numbers are 1, 2, 3 …, or go on where those end that had been
/// removed.
fn head_of_export(path: &Path) -> Result<[(&'static str, String); 2], Failure> {
    let cannot = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let mut seq = 0_u64;
    for line in BufReader::new(open(path)?).lines() {
        let line = line.map_err(cannot)?;
        let row: Value = serde_json::from_str(&line)
            .map_err(|_| Failure::usage(format!("{}: expected an export in JSON Lines", path.display())))?;
        if let Some(removed) = row.get("checkpoint") {
            seq = removed["seq"].as_u64().unwrap_or_default().max(seq);
            continue;
        }
        if let Some(head) = row.get("head") {
            if head["seq"] != seq {
                let text =
                    format!("Entry {} of {} is missing: its head says {}.", seq + 1, path.display(), head["seq"]);
                return Err(Failure::refused(text));
            }
            return Ok([("seq", head["seq"].to_string()), ("mac", cell(&head["mac"]).replace('–', ""))]);
        }
        seq += 1;
        if row["seq"] != seq {
            let text = format!("Entry {seq} of {} is missing, or not where it was written.", path.display());
            return Err(Failure::refused(text));
        }
    }
    Err(Failure::refused(format!("{} has no head: it was broken off after entry {seq}.", path.display())))
}

// === impl Comparison ===

impl Comparison {
    fn new(file: File) -> Self {
        Self { lines: BufReader::new(file).lines(), begun: Vec::new(), differs: None, removed: 0, ended: false }
    }

    fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.ended || self.differs.is_some() {
            return Ok(());
        }
        let row = serde_json::from_slice::<Value>(line).unwrap_or_default();
        if let Some(removed) = row.get("checkpoint") {
            self.removed = removed["seq"].as_u64().unwrap_or_default();
            return Ok(());
        }
        let (known, number) = self.known()?;
        self.ended = known.starts_with("{\"head\"");
        if !self.ended && known.as_bytes() != line {
            self.differs = number.or_else(|| row["seq"].as_u64());
        }
        Ok(())
    }

    /// The file's next line that can be compared, and its number.
    fn known(&mut self) -> std::io::Result<(String, Option<u64>)> {
        loop {
            let known = self.lines.next().transpose()?.unwrap_or_default();
            let row = serde_json::from_str::<Value>(&known).unwrap_or_default();
            let number = row["seq"].as_u64();
            if row.get("checkpoint").is_none() && number.is_none_or(|number| number > self.removed) {
                return Ok((known, number));
            }
        }
    }
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            self.line(&line[..end])?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// === impl Failure ===

impl Failure {
    fn is_closed_pipe(&self) -> bool {
        self.message.contains(&ErrorKind::BrokenPipe.to_string())
    }
}
