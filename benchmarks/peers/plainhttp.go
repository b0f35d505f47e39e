package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"
)

// plainClient speaks HTTP/1.1 with the server and leaves bodies as they are: the least that a client can do.
type plainClient struct {
	http   *http.Client
	server string
}

// newPlainClient returns a client that holds up to so many connections; only authentication is client-go's.
func newPlainClient(config *rest.Config, connections int) (*plainClient, error) {
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	// Go speaks HTTP/2 only where nobody gave a TLS configuration; over one such connection all requests would share a lock.
	transport := &http.Transport{
		TLSClientConfig: tls, MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, DisableCompression: true,
	}
	authenticated, err := rest.HTTPWrappersForConfig(config, transport)
	if err != nil {
		return nil, err
	}
	return &plainClient{&http.Client{Transport: authenticated}, strings.TrimSuffix(server.String(), "/")}, nil
}

// deploymentsPath is where the objects of a namespace are; "" is all namespaces.
func deploymentsPath(namespace string) string {
	if namespace == "" {
		return "/apis/apps/v1/deployments"
	}
	return "/apis/apps/v1/namespaces/" + url.PathEscape(namespace) + "/deployments"
}

// send returns the answer with its body still unread; a status that is no success is a statusError.
func (c *plainClient) send(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, newStatusError(method, path, answer)
	}
	return answer, nil
}

// exchange sends a request and reads the whole answer, without keeping it, so that the connection is free again.
func (c *plainClient) exchange(ctx context.Context, method, path, contentType string, body []byte) error {
	answer, err := c.send(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// statusError is an answer of the server that is no success.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

func newStatusError(method, path string, answer *http.Response) *statusError {
	defer answer.Body.Close()
	message, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
	return &statusError{answer.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, answer.Status, message)}
}
