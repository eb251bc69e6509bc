using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;

namespace VectorEngine.S3;

/// <summary>Says in the engine's exceptions what the SDK says in its own.</summary>
internal static class S3Errors
{
    /// <summary>Awaits a request and translates its failure.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="StoreException">Anything else that the service or the network did.</exception>
    public static async Task<T> TranslateAsync<T>(
        Task<T> request, string key, long offset, long length, CancellationToken cancellationToken)
    {
        try
        {
            return await request.ConfigureAwait(false);
        }
        catch (Exception e) when (IsOfStore(e))
        {
            cancellationToken.ThrowIfCancellationRequested();   // whatever a cancelled request ended with
            throw e is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound, ErrorCode: "NoSuchKey" or "NotFound" or "" or null }
                ? new ObjectNotFoundException(key, e)
                : ToStoreException(e, key, offset, length);
        }
    }

    public static StoreException ToStoreException(Exception e, string key, long offset, long length) =>
        new(key, offset, length, Describe(e), IsTransient(e), e);

    /// <summary>What the service answered, or null if it did not.</summary>
    public static HttpStatusCode? StatusOf(StoreException e) => (e.InnerException as AmazonServiceException)?.StatusCode;

    /// <summary>Whether an exception is about the service or the way to it, rather than about the program.</summary>
    public static bool IsOfStore(Exception e) =>
        e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException
            or OperationCanceledException;

    private static bool IsTransient(Exception e) => e switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => IsTransient(answer.StatusCode, answer.ErrorCode),
        HttpRequestException or IOException or TimeoutException or SocketException or OperationCanceledException => true,
        { InnerException: { } inner } => IsTransient(inner),
        _ => false,
    };

    private static bool IsTransient(HttpStatusCode status, string? code) =>
        (status >= HttpStatusCode.InternalServerError && status != HttpStatusCode.NotImplemented)
        || status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict
        || code is "RequestTimeout" or "SlowDown" or "Throttling";

    private static string Describe(Exception e)
    {
        string message = e is OperationCanceledException ? "no answer in time" : e.Message.TrimEnd('.');
        return e is AmazonServiceException { StatusCode: not 0 and var status, ErrorCode: var code }
            ? $"{(int)status} {code}, {message}"
            : message;
    }
}
