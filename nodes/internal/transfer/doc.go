// Package transfer is the file service's protocol, for both of its ends: the
// request, the header of 300 bytes, and the file after it.
//
//	client: get NAME                       server: header, file
//	client: post NAME, header, file        server: nothing, or a header with an error
//
// It is the tutorials' protocol, which has no delimiter after the request.
package transfer
