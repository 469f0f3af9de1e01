package portmap

import (
	"fmt"
	"slices"
	"strings"
)

// upnpService is a service of the device.
type upnpService struct {
	kind, id                    string // as the device's description has them
	document, control, eventing string // paths
	actions                     []upnpAction
}

// upnpAction is an action with its arguments; the related state variable of an argument is
// its name without "New".
type upnpAction struct{ name, in, out string }

// connection is the NAT (WANIPConnection:1). That a host ends the connection or changes its
// type (ForceTermination, SetConnectionType) is not for it to say here.
var connection = upnpService{
	kind: connectionType, id: "urn:upnp-org:serviceId:WANIPConn1",
	document: "/WANIPCn.xml", control: "/ctl/IPConn", eventing: "/evt/IPConn",
	actions: []upnpAction{
		{"GetConnectionTypeInfo", "", "NewConnectionType NewPossibleConnectionTypes"},
		{"RequestConnection", "", ""},
		{"GetStatusInfo", "", "NewConnectionStatus NewLastConnectionError NewUptime"},
		{"GetNATRSIPStatus", "", "NewRSIPAvailable NewNATEnabled"},
		{"GetExternalIPAddress", "", "NewExternalIPAddress"},
		{"AddPortMapping", mappingName + " " + mappingValue, ""},
		{"DeletePortMapping", mappingName, ""},
		{"GetSpecificPortMappingEntry", mappingName, mappingValue},
		{"GetGenericPortMappingEntry", "NewPortMappingIndex", mappingName + " " + mappingValue},
	},
}

// What names a mapping, and what it is.
const (
	mappingName  = "NewRemoteHost NewExternalPort NewProtocol"
	mappingValue = "NewInternalPort NewInternalClient NewEnabled NewPortMappingDescription NewLeaseDuration"
)

// link is what the NAT's outside is attached to (WANCommonInterfaceConfig:1). Many clients,
// libminiupnpc among them, take a device without it for none.
var link = upnpService{
	kind: linkType, id: "urn:upnp-org:serviceId:WANCommonIFC1",
	document: "/WANCfg.xml", control: "/ctl/CmnIfCfg", eventing: "/evt/CmnIfCfg",
	actions: []upnpAction{
		{"GetCommonLinkProperties", "", "NewWANAccessType NewLayer1UpstreamMaxBitRate NewLayer1DownstreamMaxBitRate NewPhysicalLinkStatus"},
	},
}

var upnpServices = []upnpService{link, connection}

// entry is the service in the device's description.
func (s upnpService) entry() string {
	return "<serviceList><service><serviceType>" + s.kind + "</serviceType><serviceId>" + s.id + "</serviceId>\n" +
		"<SCPDURL>" + s.document + "</SCPDURL><controlURL>" + s.control + "</controlURL><eventSubURL>" + s.eventing + "</eventSubURL></service></serviceList>\n"
}

// variableTypes are the types of the state variables that are no strings.
var variableTypes = map[string]string{
	"ExternalPort": "ui2", "InternalPort": "ui2", "PortMappingIndex": "ui2", "LeaseDuration": "ui4", "Uptime": "ui4",
	"Enabled": "boolean", "RSIPAvailable": "boolean", "NATEnabled": "boolean",
	"Layer1UpstreamMaxBitRate": "ui4", "Layer1DownstreamMaxBitRate": "ui4",
}

// description is the document that says which actions there are.
func (s upnpService) description() string {
	var b strings.Builder
	var variables []string
	b.WriteString(`<?xml version="1.0"?>` + "\n" + `<scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion><actionList>` + "\n")
	for _, a := range s.actions {
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
