// Package sending gives a component of a forwarder its HTTP requests.
package sending

import (
	"headworks/internal/bindings/http"
	"headworks/internal/bindings/network"
	"headworks/internal/component"
	"headworks/internal/host"
	witTypes "headworks/internal/wit/types"
)

func init() { component.Sender = send }

func text(value string) witTypes.Option[string] {
	if value == "" {
		return witTypes.None[string]()
	}
	return witTypes.Some(value)
}

func send(request host.Request) (host.Response, error) {
	wire := http.Request{
		Method: request.Method, Url: request.URL, Body: request.Body, Redirects: request.Redirects,
		TimeoutMilliseconds: request.TimeoutMilliseconds, Proxy: text(request.Proxy), Tls: witTypes.None[network.Tls](),
	}
	if request.HTTP2 {
		wire.Version = http.Version_Http2
	}
	for _, header := range request.Headers {
		wire.Headers = append(wire.Headers, witTypes.Tuple2[string, string]{F0: header[0], F1: header[1]})
	}
	if tls := request.TLS; tls != nil {
		wire.Tls = witTypes.Some(network.Tls{ServerName: text(tls.ServerName), Roots: text(tls.Roots), Insecure: tls.Insecure})
	}
	answer := http.Send(wire)
	if answer.IsErr() {
		return host.Response{}, failure(answer.Err())
	}
	response := answer.Ok()
	headers := make([][2]string, len(response.Headers))
	for index, header := range response.Headers {
		headers[index] = [2]string{header.F0, header.F1}
	}
	return host.Response{Status: int(response.Status), Headers: headers, Body: response.Body}, nil
}

func failure(err network.NetworkError) error {
	switch err.Tag() {
	case network.NetworkError_Denied:
		return &host.NetworkError{Kind: "denied", Message: err.Denied()}
	case network.NetworkError_Invalid:
		return &host.NetworkError{Kind: "invalid", Message: err.Invalid()}
	case network.NetworkError_Unreachable:
		return &host.NetworkError{Kind: "unreachable", Message: err.Unreachable()}
	case network.NetworkError_Untrusted:
		return &host.NetworkError{Kind: "untrusted", Message: err.Untrusted()}
	case network.NetworkError_Late:
		return &host.NetworkError{Kind: "late", Message: err.Late()}
	}
	return &host.NetworkError{Kind: "protocol", Message: err.Protocol()}
}
