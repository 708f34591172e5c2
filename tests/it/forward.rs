//! Port forwards, through the real binary and real SSH.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::home::{Home, wait_until};

const LIMIT: Duration = Duration::from_secs(30);

/// Something that lies behind a node: it sends back what it gets, each connection by itself. Its port.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut &stream));
        }
    });
    port
}

fn forwards(home: &Home) -> Vec<Value> {
    home.run(["forward", "list", "--json"]).ok().json().as_array().unwrap().clone()
}

/// Says something through a port and hears the same, or why not.
fn speak(port: u64, text: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap()))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(text.as_bytes())?;
    let mut heard = vec![0; text.len()];
    stream.read_exact(&mut heard)?;
    assert_eq!(heard, text.as_bytes());
    Ok(())
}

fn home_with_cluster() -> Home {
    let home = Home::with_sandbox();
    let spec = home.path().join("demo.yml");
    let text = "name: demo\ncloud: sandbox\ngroups:\n  node: { count: 1, flavor: tiny, image: host }\n";
    std::fs::write(&spec, text).unwrap();
    home.run(["cluster", "create", "-f", spec.to_str().unwrap(), "--yes"]).ok();
    home
}

#[test]
fn a_forward_outlives_its_client_and_its_engine_and_ends_with_its_cluster() {
    let (home, port) = (home_with_cluster(), echo());
    let open = |route: &str| home.run(["forward", "open", "demo/node-1", route, "--json"]);
    let first = open(&format!("0:127.0.0.1:{port}")).ok().json();
    let local = first["route"]["local"].as_u64().unwrap();
    speak(local, "hello").unwrap();

    // Who does not read holds up nobody else.
    let mut deaf = TcpStream::connect(("127.0.0.1", u16::try_from(local).unwrap())).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    while deaf.write(&[b'x'; 65536]).is_ok() {}
    std::thread::scope(|scope| {
        for n in 0..20 {
            scope.spawn(move || speak(local, &format!("{n} {}", "long ".repeat(20_000))).unwrap());
        }
    });
    let row = &forwards(&home)[0];
    assert_eq!((row["open"].as_u64(), row["total"].as_u64()), (Some(1), Some(22)), "{row}");
    assert!(row["received"].as_u64().unwrap() > 2_000_000, "{row}");
    drop(deaf);
    wait_until("the deaf one is gone", LIMIT, || forwards(&home)[0]["open"] == 0);

    // The next engine opens it again, on the same port.
    home.kill_engine();
    speak(local, "nobody is there").unwrap_err();
    home.run(["engine", "start"]).ok();
    speak(local, "again").unwrap();
    home.run(["engine", "restart"]).ok();
    wait_until("the restarted engine forwards", LIMIT, || speak(local, "anew").is_ok());

    // What is behind it is not there: the row says so.
    let none = open("0:127.0.0.1:1").ok().json();
    speak(none["route"]["local"].as_u64().unwrap(), "anybody?").unwrap_err();
    wait_until("the row says why", LIMIT, || forwards(&home)[1]["failure"]["got"].is_string());

    // A taken port, a cluster for a node, a node that is not there, one who only looks.
    let taken = open(&format!("{local}:22"));
    assert!(taken.code == Some(3) && taken.err.contains("choose another local port"), "{taken:?}");
    assert_eq!(home.run(["forward", "open", "demo", "80"]).code, Some(2));
    assert_ne!(home.run(["forward", "open", "demo/node-9", "80"]).code, Some(0));
    assert_eq!(home.run(["forward", "open", "demo/node-1", "a:b:c:d"]).code, Some(2));
    assert_eq!(home.run(["--read-only", "forward", "close", "1"]).code, Some(3));

    home.run(["forward", "close", "2"]).ok();
    assert_eq!(forwards(&home).len(), 1);
    home.run(["cluster", "delete", "demo", "--yes"]).ok();
    wait_until("the cluster's forwards are closed", LIMIT, || forwards(&home).is_empty());
    speak(local, "closed").unwrap_err();
    let audit = home.run(["audit", "--json"]).ok().json().to_string();
    assert!(audit.contains("through node-1") && audit.contains("close forward 2"), "{audit}");
}

#[test]
fn guards_and_read_only_clouds_keep_ports_closed() {
    let home = home_with_cluster();
    let settings = home.path().join("config/settings.toml");
    let before = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(
        &settings,
        format!("{before}\n[[guard]]\naction = \"forward\"\nlevel = \"deny\"\nreason = \"use the jump host\"\n"),
    )
    .unwrap();
    let refused = home.run(["forward", "open", "demo/node-1", "0:22"]);
    assert!(refused.code == Some(3) && refused.err.contains("use the jump host"), "{refused:?}");
    std::fs::write(&settings, before).unwrap();
    home.run(["cloud", "set", "sandbox", "read_only=true"]).ok();
    let refused = home.run(["forward", "open", "demo/node-1", "0:22"]);
    assert!(refused.code == Some(3) && refused.err.contains("read-only"), "{refused:?}");
    assert_eq!(forwards(&home), Vec::<Value>::new());
}
