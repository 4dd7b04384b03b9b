//! Makes hostile requests out of plain bytes, so that the same generators serve random tests and a fuzzer.
//!
//! Each byte chooses a fragment that once broke somebody's server, or stands for itself. No crate is used here.

/// As many bytes as asked for, always the same for one seed (SplitMix64).
pub(super) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A query string or form body.
pub(super) fn query(choices: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 40] = [
        b"telephone=",
        b"dnid=",
        b"token=",
        b"&",
        b"&",
        b"?",
        b"=",
        b"+",
        b"%",
        b"%2B",
        b"%2b40",
        b"%zz",
        b"%0d%0a",
        b"%00",
        b"%ff",
        b"\xff",
        b"\xc3",
        b"%e2%80%ae",
        b"telephone[]=",
        b"telephone%5B0%5D=",
        b"token[",
        b"]",
        b"[",
        b";",
        b"&amp;",
        b"+40722111222",
        b"0722 111 222",
        b"anonymous",
        b"sip:a@b",
        b"direction=in",
        b"format=xml",
        b"format=",
        b"request=",
        b"#",
        b"\0",
        b"\r\n",
        b"token%00=",
        b"' OR 1=1--",
        b"${x}",
        b"%F0%9F%93%9E",
    ];
    glue(choices, &PIECES)
}

/// A JSON body, whole or broken.
pub(super) fn json(choices: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 32] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"\"",
        b"\\",
        b"\"telephone\":",
        b"\"dnid\":",
        b"\"token\":",
        b"\"a\",",
        b"null",
        b"true",
        b"false",
        b"1",
        b"-1",
        b"4.0722e10",
        b"99999999999999999999999",
        b"1e999",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\xef\xbb\xbf",
        b" ",
        b"\n",
        b"\"+40\",",
        b"\"dnid\":{\"a\":[1,[2]]},",
        b"\"telephone\":[1,1],",
        b"\"x\":{},",
        b"{\"telephone\":\"1\",",
        b"\"t\":1}",
    ];
    glue(choices, &PIECES)
}

/// A text for any field of an answer.
pub(super) fn text(choices: &[u8]) -> String {
    const PIECES: [&[u8]; 48] = [
        b"\0",
        b"\r\n",
        b"\n",
        b"\t",
        b"\x1b[31m",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
        b"\xef\xbf\xbe",
        b"\xef\xbf\xbf",
        b"$",
        b"{",
        b"[",
        b"${",
        b"$[",
        b"\xef\xbc\x84\xef\xbd\x9b",
        b"\"",
        b"'",
        b"<",
        b">",
        b"&",
        b"&amp;",
        b"]]>",
        b"<!--",
        b"<![CDATA[",
        b"\\",
        b"/",
        b"@",
        b":",
        b"%",
        b"javascript:",
        b"https://",
        b"crm.example.com/",
        b"SIP/",
        b"Local/",
        b"ion-popescu",
        b"+40722",
        b"100",
        b"101",
        b" ",
        b"\xc8\x98tefan",
        b"\xd0\x9e\xd0\xbb\xd1\x8c\xd0\xb3\xd0\xb0",
        b"\xf0\x9f\x98\x80",
        b"\xe2\x80\x8d",
        b"a",
        b"null",
    ];
    String::from_utf8_lossy(&glue(choices, &PIECES)).into_owned()
}

/// One byte in four stands for itself, the others choose a piece.
fn glue(choices: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * choices.len());
    let mut rest = choices.iter();
    while let Some(&choice) = rest.next() {
        match rest.clone().next() {
            Some(&itself) if choice >= 192 => {
                out.push(itself);
                rest.next();
            }
            _ => out.extend_from_slice(pieces[usize::from(choice) % pieces.len()]),
        }
    }
    out
}
