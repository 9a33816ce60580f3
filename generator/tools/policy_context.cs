// The part of the gateway's policy context that expressions may use, enough to compile them. The simulation of the gateway
// runs them against it (generator/gateway_simulation/runtime.cs): members that it does not know throw.
// Source of the members: learn.microsoft.com/azure/api-management/api-management-policy-expressions
using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

public enum ProductState { NotPublished, Published }

public interface IUrl
{
    string Host { get; }
    string Path { get; }
    int Port { get; }
    IReadOnlyDictionary<string, string[]> Query { get; }
    string QueryString { get; }
    string Scheme { get; }
}

public interface ISubscriptionKeyParameterNames
{
    string Header { get; }
    string Query { get; }
}

public interface IApi
{
    string Id { get; }
    string Name { get; }
    string Path { get; }
    IEnumerable<string> Protocols { get; }
    IUrl ServiceUrl { get; }
    ISubscriptionKeyParameterNames SubscriptionKeyParameterNames { get; }
}

public interface ICurrentApi : IApi
{
    bool IsCurrentRevision { get; }
    string Revision { get; }
    string Version { get; }
}

public interface IGroup
{
    string Id { get; }
    string Name { get; }
}

public interface IUserIdentity
{
    string Id { get; }
    string Provider { get; }
}

public interface IMessageBody
{
    T As<T>(bool preserveContent = false);
    IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false);
}

public interface IPrivateEndpointConnection
{
    string Name { get; }
    string GroupId { get; }
    string MemberName { get; }
}

public interface IRequest
{
    IMessageBody Body { get; }
    X509Certificate2 Certificate { get; }
    IReadOnlyDictionary<string, string[]> Headers { get; }
    string IpAddress { get; }
    IReadOnlyDictionary<string, string> MatchedParameters { get; }
    string Method { get; }
    IUrl OriginalUrl { get; }
    IUrl Url { get; }
    IPrivateEndpointConnection PrivateEndpointConnection { get; }
}

public interface IResponse
{
    IMessageBody Body { get; }
    IReadOnlyDictionary<string, string[]> Headers { get; }
    int StatusCode { get; }
    string StatusReason { get; }
}

public interface IDeployment
{
    string GatewayId { get; }
    string Region { get; }
    string ServiceId { get; }
    string ServiceName { get; }
    IReadOnlyDictionary<string, X509Certificate2> Certificates { get; }
}

public interface ILastError
{
    string Source { get; }
    string Reason { get; }
    string Message { get; }
    string Scope { get; }
    string Section { get; }
    string Path { get; }
    string PolicyId { get; }
}

public interface IOperation
{
    string Id { get; }
    string Method { get; }
    string Name { get; }
    string UrlTemplate { get; }
}

public interface IProduct
{
    IEnumerable<IApi> Apis { get; }
    bool ApprovalRequired { get; }
    IEnumerable<IGroup> Groups { get; }
    string Id { get; }
    string Name { get; }
    ProductState State { get; }
    int? SubscriptionLimit { get; }
    bool SubscriptionRequired { get; }
}

public interface ISubscription
{
    DateTime CreatedDate { get; }
    DateTime? EndDate { get; }
    string Id { get; }
    string Key { get; }
    string Name { get; }
    string PrimaryKey { get; }
    string SecondaryKey { get; }
    DateTime? StartDate { get; }
}

public interface IUser
{
    string Email { get; }
    string FirstName { get; }
    IEnumerable<IGroup> Groups { get; }
    string Id { get; }
    IEnumerable<IUserIdentity> Identities { get; }
    string LastName { get; }
    string Note { get; }
    DateTime RegistrationDate { get; }
}

public interface IContext
{
    ICurrentApi Api { get; }
    IDeployment Deployment { get; }
    TimeSpan Elapsed { get; }
    ILastError LastError { get; }
    IOperation Operation { get; }
    IProduct Product { get; }
    IRequest Request { get; }
    Guid RequestId { get; }
    IResponse Response { get; }
    ISubscription Subscription { get; }
    DateTime Timestamp { get; }
    bool Tracing { get; }
    IUser User { get; }
    IReadOnlyDictionary<string, object> Variables { get; }
    void Trace(string message);
}

public class BasicAuthCredentials
{
    public string Password { get; set; }
    public string UserId { get; set; }
}

public class Jwt
{
    public string Algorithm { get; set; }
    public IEnumerable<string> Audiences { get; set; }
    public IReadOnlyDictionary<string, string[]> Claims { get; set; }
    public DateTime? ExpirationTime { get; set; }
    public string Id { get; set; }
    public string Issuer { get; set; }
    public DateTime? IssuedAt { get; set; }
    public DateTime? NotBefore { get; set; }
    public string Subject { get; set; }
    public string Type { get; set; }
}

public static class PolicyExtensions
{
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string[]> values, string name) { return values.GetValueOrDefault(name, null); }
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string[]> values, string name, string other) { return values.ContainsKey(name) ? string.Join(",", values[name]) : other; }
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string> values, string name) { return values.GetValueOrDefault(name, null); }
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string> values, string name, string other) { return values.ContainsKey(name) ? values[name] : other; }
    public static object GetValueOrDefault(this IReadOnlyDictionary<string, object> values, string name) { return values.ContainsKey(name) ? values[name] : null; }
    public static T GetValueOrDefault<T>(this IReadOnlyDictionary<string, object> values, string name) { return values.GetValueOrDefault<T>(name, default(T)); }
    public static T GetValueOrDefault<T>(this IReadOnlyDictionary<string, object> values, string name, T other) { return values.ContainsKey(name) ? (T)values[name] : other; }
    public static BasicAuthCredentials AsBasic(this string input) { throw new NotSupportedException(); }
    public static bool TryParseBasic(this string input, out BasicAuthCredentials result) { throw new NotSupportedException(); }
    public static Jwt AsJwt(this string input) { throw new NotSupportedException(); }
    public static bool TryParseJwt(this string input, out Jwt result) { throw new NotSupportedException(); }
    public static byte[] Encrypt(this byte[] input, string algorithm, byte[] key, byte[] vector) { throw new NotSupportedException(); }
    public static byte[] Decrypt(this byte[] input, string algorithm, byte[] key, byte[] vector) { throw new NotSupportedException(); }
    public static bool VerifyNoRevocation(this X509Certificate2 certificate) { throw new NotSupportedException(); }
}
