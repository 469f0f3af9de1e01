package portmap

import (
	"fmt"
	"slices"
	"strings"
)

// scpd are the actions with their arguments; the related state variable of an
// argument is its name without "New".
var scpd = []struct{ name, in, out string }{
	{"GetExternalIPAddress", "", "NewExternalIPAddress"},
	{"GetStatusInfo", "", "NewConnectionStatus NewLastConnectionError NewUptime"},
	{"AddPortMapping", "NewRemoteHost NewExternalPort NewProtocol NewInternalPort NewInternalClient NewEnabled NewPortMappingDescription NewLeaseDuration", ""},
	{"DeletePortMapping", "NewRemoteHost NewExternalPort NewProtocol", ""},
	{"GetSpecificPortMappingEntry", "NewRemoteHost NewExternalPort NewProtocol", "NewInternalPort NewInternalClient NewEnabled NewPortMappingDescription NewLeaseDuration"},
}

// variableTypes are the types of the state variables that are no strings.
var variableTypes = map[string]string{"ExternalPort": "ui2", "InternalPort": "ui2", "Enabled": "boolean", "LeaseDuration": "ui4", "Uptime": "ui4"}

// serviceDescription is the document that says which actions there are.
func serviceDescription() string {
	var b strings.Builder
	var variables []string
	b.WriteString(`<?xml version="1.0"?>` + "\n" + `<scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion><actionList>` + "\n")
	for _, a := range scpd {
		fmt.Fprintf(&b, "<action><name>%s</name><argumentList>", a.name)
		for _, side := range []struct{ direction, names string }{{"in", a.in}, {"out", a.out}} {
			for _, name := range strings.Fields(side.names) {
				v := strings.TrimPrefix(name, "New")
				if !slices.Contains(variables, v) {
					variables = append(variables, v)
				}
				fmt.Fprintf(&b, "<argument><name>%s</name><direction>%s</direction><relatedStateVariable>%s</relatedStateVariable></argument>", name, side.direction, v)
			}
		}
		b.WriteString("</argumentList></action>\n")
	}
	b.WriteString("</actionList><serviceStateTable>\n")
	for _, v := range variables {
		t := variableTypes[v]
		if t == "" {
			t = "string"
		}
		fmt.Fprintf(&b, `<stateVariable sendEvents="no"><name>%s</name><dataType>%s</dataType></stateVariable>`+"\n", v, t)
	}
	b.WriteString("</serviceStateTable></scpd>\n")
	return b.String()
}
