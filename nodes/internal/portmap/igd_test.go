package portmap

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func addArguments(client, outsidePort string) []argument {
	return []argument{{"NewRemoteHost", ""}, {"NewExternalPort", outsidePort}, {"NewProtocol", "TCP"}, {"NewInternalPort", "50007"},
		{"NewInternalClient", client}, {"NewEnabled", "1"}, {"NewPortMappingDescription", "a <test>"}, {"NewLeaseDuration", "60"}}
}

// post performs an action as host does, by the device's handler.
func post(t *testing.T, d *gatewayDevice, host string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://10.16.1.1:5000"+connection.control, strings.NewReader(string(body)))
	r.RemoteAddr = host + ":40000"
	w := httptest.NewRecorder()
	d.handler().ServeHTTP(w, r)
	return w
}

func perform(t *testing.T, d *gatewayDevice, host, name string, in []argument) (map[string]string, error) {
	t.Helper()
	w := post(t, d, host, call(connectionType, name, in))
	if w.Code != http.StatusOK {
		return nil, parseFault(w.Body.Bytes())
	}
	a, err := parseAction(w.Body.Bytes())
	require.NoError(t, err)
	assert.Equal(t, name+"Response", a.name)
	return a.in, nil
}

func TestUPnP(t *testing.T) {
	s, k, _ := fakeServer()
	d := &gatewayDevice{server: s}
	out, err := perform(t, d, "10.16.1.10", "GetExternalIPAddress", nil)
	require.NoError(t, err)
	assert.Equal(t, "198.18.16.2", out["NewExternalIPAddress"])

	_, err = perform(t, d, "10.16.1.10", "AddPortMapping", addArguments("10.16.1.10", "8080"))
	require.NoError(t, err)
	assert.Equal(t, []string{"tcp:198.18.16.2:8080=10.16.1.10:50007"}, k.forwards())
	which := addArguments("", "8080")[:3]
	out, err = perform(t, d, "10.16.1.11", "GetSpecificPortMappingEntry", which)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"NewInternalPort": "50007", "NewInternalClient": "10.16.1.10", "NewEnabled": "1",
		"NewPortMappingDescription": "a <test>", "NewLeaseDuration": "60"}, out)

	refuse := func(code int, host, name string, in []argument) {
		t.Helper()
		_, err := perform(t, d, host, name, in)
		var no *Refused
		require.ErrorAs(t, err, &no)
		assert.Equal(t, code, no.Code, "%v", no)
	}
	refuse(upnpNotAuthorized, "10.16.1.11", "AddPortMapping", addArguments("10.16.1.10", "8081"))
	refuse(upnpNotAuthorized, "10.16.1.11", "AddPortMapping", addArguments("10.16.1.11", "80"))
	refuse(upnpConflict, "10.16.1.11", "AddPortMapping", addArguments("10.16.1.11", "8080"))
	refuse(upnpWildCardOutside, "10.16.1.11", "AddPortMapping", addArguments("10.16.1.11", "0"))
	refuse(upnpInvalidArgs, "10.16.1.11", "AddPortMapping", addArguments("everybody", "8081"))
	refuse(upnpInvalidArgs, "10.16.1.11", "AddPortMapping", addArguments("10.16.1.11", "65536"))
	refuse(upnpNotAuthorized, "10.16.1.11", "DeletePortMapping", which)
	refuse(upnpInvalidAction, "10.16.1.11", "ForceTermination", nil)
	refuse(upnpNoSuchEntry, "10.16.1.11", "DeletePortMapping", addArguments("", "8081")[:3])
	assert.Len(t, k.forwards(), 1)

	_, err = perform(t, d, "10.16.1.10", "DeletePortMapping", which)
	require.NoError(t, err)
	assert.Empty(t, k.forwards())
}

func TestUPnPCountsWhatItCannotRead(t *testing.T) {
	s, _, _ := fakeServer()
	d := &gatewayDevice{server: s}
	elsewhere := string(call(linkType, "GetCommonLinkProperties", nil)) // another service's, by its own path
	for _, body := range []string{"", "<", "<a/>", strings.Repeat(" ", largestAction+1), elsewhere} {
		assert.Equal(t, http.StatusBadRequest, post(t, d, "10.16.1.10", []byte(body)).Code)
	}
	assert.EqualValues(t, 5, s.journal.malformed.Load())
}

func TestUPnPIsForTheInside(t *testing.T) {
	s, _, _ := fakeServer()
	d := &gatewayDevice{server: s}
	assert.Equal(t, http.StatusForbidden, post(t, d, "198.18.16.10", call(connectionType, "GetExternalIPAddress", nil)).Code)
	r := httptest.NewRequest(http.MethodGet, "http://evil.example"+descriptionPath, nil)
	r.RemoteAddr = "10.16.1.10:40000"
	w := httptest.NewRecorder()
	d.handler().ServeHTTP(w, r)
	assert.Equal(t, http.StatusForbidden, w.Code)
}

func TestTheDescriptionLeadsToTheControl(t *testing.T) {
	path, ok := controlOf([]byte(description))
	require.True(t, ok)
	assert.Equal(t, connection.control, path)
	_, ok = controlOf([]byte(connection.description()))
	assert.False(t, ok)
}

func TestADeviceDescribesItselfOnly(t *testing.T) {
	_, ok := parseFound(searchAnswer(connectionType, wanConnectionUUID, inside.Addr()), inside.Addr())
	assert.True(t, ok)
	_, ok = parseFound(searchAnswer(connectionType, wanConnectionUUID, hostA2), inside.Addr())
	assert.False(t, ok)
}
