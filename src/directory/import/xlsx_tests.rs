use super::*;

#[test]
fn a_part_is_measured_without_being_held() {
    let seen = look(&b"<sst><si><t>one</t></si><si/></sst>"[..], 35).unwrap();
    assert_eq!((seen.bytes, seen.texts, seen.run), (35, 2, 4));
    let long = vec![b'x'; MAX_RUN + 1];
    assert!(look(&long[..], 1 << 20).unwrap().run > MAX_RUN);
    assert!(look(std::io::repeat(b' ').take(100 << 20), 1_000).is_err_and(|why| why == "a decompression bomb"));
}
