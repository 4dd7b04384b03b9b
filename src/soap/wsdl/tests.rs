//! Descriptions as services publish them, and as nobody should.

use super::*;

fn read(text: &str) -> Element {
    Element::read(text.as_bytes(), None, 10_000).unwrap()
}

fn captured(name: &str) -> Wsdl {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures/soap/wsdl").join(name);
    let mut wsdl = Wsdl::default();
    let wanted = wsdl.add(Element::read(&std::fs::read(path).unwrap(), None, 1_000).unwrap()).unwrap();
    assert!(wanted.is_empty(), "{wanted:?}");
    wsdl
}

fn names(operation: &Operation) -> Vec<&str> {
    operation.parameters.iter().map(|parameter| parameter.name.as_str()).collect()
}

#[test]
fn the_class_of_an_apex_author_says_its_arguments() {
    let operation = captured("apex.wsdl").operation("sendCallInfo", None).unwrap();
    assert_eq!(operation.shape, Shape::DocumentLiteral);
    assert_eq!(names(&operation), ["phone", "direction", "agent"]);
    assert_eq!(operation.namespace, "http://soap.sforce.com/schemas/class/CreateActivitiesWebService");
    assert_eq!(operation.parameters[0].namespace.as_deref(), Some(operation.namespace.as_str()));
    assert_eq!(operation.action, "");
}

#[test]
fn each_style_is_told_from_the_others() {
    let read = |name: &str| captured(name).operation("getCallerInfo", None).unwrap();
    assert_eq!((read("rpclit.wsdl").shape, read("rpcenc.wsdl").shape), (Shape::RpcLiteral, Shape::RpcEncoded));
    assert_eq!(read("doclit12.wsdl").version, Version::V12);
    assert_eq!(read("rpcenc_any.wsdl").parameters[0].takes, Takes::Anything);
    assert_eq!(read("rpcenc_map.wsdl").parameters[0].takes, Takes::Map);
    assert_eq!(read("rpcenc.wsdl").parameters[2].takes, Takes::Boolean);
    let optional = read("doclit.wsdl").parameters.iter().map(|parameter| parameter.is_required).collect::<Vec<_>>();
    assert_eq!(optional, [true, false, false]);
}

#[test]
fn a_function_that_is_not_there_is_answered_with_those_that_are() {
    let refused = captured("doclit.wsdl").operation("getCaller", None).unwrap_err().to_string();
    assert_eq!(refused, "the WSDL has no function getCaller; it has getCallerInfo");
    assert!(captured("doclit.wsdl").operation("getCallerInfo", Some(Version::V12)).is_err());
}

const PART: &str = "<definitions xmlns='http://schemas.xmlsoap.org/wsdl/' xmlns:t='urn:t' xmlns:b='urn:b' \
    xmlns:s='http://schemas.xmlsoap.org/wsdl/soap/' targetNamespace='urn:t'>";

#[test]
fn a_description_may_be_in_several_documents() {
    let mut wsdl = Wsdl::default();
    let main = format!(
        "{PART}<import namespace='urn:b' location='b.wsdl'/><types><x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'>\
         <x:import namespace='http://schemas.xmlsoap.org/soap/encoding/' schemaLocation='enc.xsd'/>\
         <x:import namespace='urn:b' schemaLocation='b.xsd'/></x:schema></types>\
         <service name='S'><port name='P' binding='b:B'><s:address location=' http://h/s '/></port></service></definitions>"
    );
    assert_eq!(wsdl.add(read(&main)).unwrap(), ["b.wsdl", "b.xsd"]);
    assert!(wsdl.operation("f", None).is_err());
    let rest = PART.replace("targetNamespace='urn:t'", "targetNamespace='urn:b'");
    let rest = format!(
        "{rest}<message name='m'><part name='p' element='b:call'/></message>\
         <portType name='T'><operation name='f'><input message='b:m'/></operation></portType>\
         <binding name='B' type='b:T'><s:binding/><operation name='f'><s:operation soapAction='a'/>\
         <input><s:body use='literal'/></input></operation></binding></definitions>"
    );
    assert!(wsdl.add(read(&rest)).unwrap().is_empty());
    let schema = "<schema xmlns='http://www.w3.org/2001/XMLSchema' xmlns:b='urn:b' targetNamespace='urn:b'>\
        <element name='call' type='b:Call'/><complexType name='Base'><sequence><element name='one' type='int' \
        form='qualified'/></sequence></complexType><complexType name='Call'><complexContent><extension base='b:Base'>\
        <sequence><element name='two' type='b:Call' minOccurs='0'/></sequence></extension></complexContent>\
        </complexType></schema>";
    assert!(wsdl.add(read(schema)).unwrap().is_empty());
    let operation = wsdl.operation("f", None).unwrap();
    assert_eq!(names(&operation), ["one", "two"]);
    assert_eq!(operation.parameters[0].namespace.as_deref(), Some("urn:b"));
    assert_eq!(operation.parameters[1].namespace, None);
    assert_eq!((operation.location.as_str(), operation.element.as_str()), ("http://h/s", "call"));
}

#[test]
fn types_that_are_built_on_themselves_end() {
    let mut wsdl = captured("doclit.wsdl");
    let circle = "<schema xmlns='http://www.w3.org/2001/XMLSchema' xmlns:b='urn:b' targetNamespace='urn:b'>\
        <element name='call' type='b:T'/><complexType name='T'><complexContent><extension base='b:T'><sequence>\
        <element name='a'/></sequence></extension></complexContent></complexType></schema>";
    wsdl.add(read(circle)).unwrap();
    let fields = schema::Schemas(&wsdl.schemas).fields_of_element(Some("urn:b"), "call").unwrap();
    assert!(fields.len() <= 20, "{}", fields.len());
}

#[test]
fn anything_else_is_no_description() {
    assert!(Wsdl::default().add(read("<html/>")).unwrap_err().to_string().contains("no WSDL 1.1"));
}
