//! Every stored fuzz input, and bent copies of each, through the fuzz targets: no fuzzer needed.

use std::path::{Path, PathBuf};

use front_door::fuzz::TARGETS;
use protocol::emv::Payload;
use protocol::order::{CodePay, Mode, Prepay, Product};

/// Bent copies tried of each stored input.
const COPIES: u64 = 2_000;

#[test]
fn stored_fuzz_inputs_and_bent_copies_of_them_break_no_promise() {
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "fuzz/seeds/{name} holds no input");
        for (file, bytes) in inputs {
            println!("{}", file.display());
            target(&bytes);
            for seed in 0..COPIES {
                target(&bent(&bytes, seed));
            }
        }
    }
}

#[test]
fn the_stored_inputs_get_past_the_first_check() {
    let read = |name: &str| std::fs::read(seeds().join(name)).unwrap();
    assert!(crypto::request::Credentials::parse(&read("signature_header/python")).is_ok());
    assert!(crypto::request::Credentials::parse(&read("signature_header/other-order")).is_ok());
    for (file, product) in [("native", Product::Native), ("jsapi", Product::Jsapi), ("h5", Product::H5)] {
        let order = Prepay::read(product, Mode::Merchant, &read(&format!("json_body/{file}")));
        assert!(order.is_ok(), "{file}: {:?}", order.err());
    }
    let order = CodePay::read(Mode::Merchant, &read("json_body/codepay"));
    assert!(order.is_ok(), "{:?}", order.err());
    for file in ["static", "amount"] {
        let text = String::from_utf8(read(&format!("emv/{file}"))).unwrap();
        let payload = Payload::parse(&text);
        assert!(payload.is_ok(), "{file}: {:?}", payload.err());
    }
}

#[test]
fn every_fuzz_target_is_known_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut known: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    files.sort();
    known.sort();
    assert_eq!(files, known);
}

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds")
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(seeds().join(target)).into_iter().flatten().flatten();
    let mut inputs: Vec<_> =
        entries.filter_map(|entry| Some((entry.path(), std::fs::read(entry.path()).ok()?))).collect();
    inputs.sort();
    inputs
}

/// One to four small changes at places that `seed` decides: a byte replaced, removed, doubled, or a piece
/// repeated.
fn bent(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |end: usize| {
        // xorshift64: the same on every machine.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % end.max(1) as u64).unwrap_or(0)
    };
    for _ in 0..=below(4) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = below(bytes.len());
        match below(5) {
            0 => bytes[at] = u8::try_from(below(256)).unwrap_or(0),
            1 => bytes[at] = b"\"'{}[]:,=\\ \n0-9.eE%+"[below(20)],
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, bytes[at]),
            _ => {
                let end = (at + below(16)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
