package portmap

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// largestAction is how long an action may be, in bytes.
const largestAction = 16 << 10

// argument is a name with its value; their order is part of an action.
type argument struct{ name, value string }

// action is a call of a service by SOAP, or its result.
type action struct {
	service, name string
	in            map[string]string
}

// envelope is what is around an action; its body has one element.
type envelope struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Body    struct {
		Action struct {
			XMLName   xml.Name
			Arguments []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:",any"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

func parseAction(b []byte) (action, error) {
	var e envelope
	if err := xml.Unmarshal(b, &e); err != nil {
		return action{}, errMalformed
	}
	name := e.Body.Action.XMLName
	if !slices.ContainsFunc(upnpServices, func(s upnpService) bool { return s.kind == name.Space }) {
		return action{}, errMalformed
	}
	a := action{name.Space, name.Local, make(map[string]string)}
	for _, arg := range e.Body.Action.Arguments {
		if _, twice := a.in[arg.XMLName.Local]; twice {
			return action{}, errMalformed
		}
		a.in[arg.XMLName.Local] = strings.TrimSpace(arg.Value)
	}
	return a, nil
}

// call returns an action as SOAP.
func call(service, name string, in []argument) []byte { return wrap(element(service, "u:"+name, in)) }

// response returns the result of an action as SOAP.
func response(a action, out []argument) []byte {
	return wrap(element(a.service, "u:"+a.name+"Response", out))
}

func element(service, name string, arguments []argument) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%s xmlns:u="%s">`, name, service)
	for _, a := range arguments {
		fmt.Fprintf(&b, "<%s>", a.name)
		_ = xml.EscapeText(&b, []byte(a.value)) // a bytes.Buffer takes everything
		fmt.Fprintf(&b, "</%s>", a.name)
	}
	fmt.Fprintf(&b, "</%s>", name)
	return b.String()
}

// fault returns an error as SOAP.
func fault(r *Refused) []byte {
	return wrap(fmt.Sprintf(`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>`+
		`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode><errorDescription>%s</errorDescription></UPnPError>`+
		`</detail></s:Fault>`, r.Code, r.Name))
}

func wrap(body string) []byte {
	return []byte(`<?xml version="1.0"?>` + "\n" +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` +
		body + `</s:Body></s:Envelope>` + "\n")
}

// parseFault reads the error in an answer.
func parseFault(b []byte) error {
	var f struct {
		Code int    `xml:"Body>Fault>detail>UPnPError>errorCode"`
		Name string `xml:"Body>Fault>detail>UPnPError>errorDescription"`
	}
	if err := xml.Unmarshal(b, &f); err != nil || f.Code == 0 {
		return errMalformed
	}
	r := upnpRefused(f.Code)
	if f.Name != "" {
		r.Name = f.Name
	}
	return r
}
