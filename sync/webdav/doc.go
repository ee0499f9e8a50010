// Package webdav is a client for what reading calendars and address books needs of
// WebDAV: PROPFIND and multistatus (RFC 4918), REPORT (RFC 3253 §3.6), collection
// synchronisation (RFC 6578) and discovery (RFC 6764).
//
// An account names the server, and the server names what to read next: neither may
// lead a connection to where it has no business, or a password to another host.
// Everything that is read is bounded in size and time, and ends soon after its
// context is done. Errors name the host and what was asked of it; one whose
// kind is known is a [kith.Fault].
package webdav
