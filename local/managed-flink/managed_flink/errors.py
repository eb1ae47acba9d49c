"""What the API answers instead of a result."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The names of the API's errors; the first ones are in the service's model, the last ones common to all of AWS."""

    CONCURRENT_MODIFICATION = "ConcurrentModificationException"
    INVALID_APPLICATION_CONFIGURATION = "InvalidApplicationConfigurationException"
    INVALID_ARGUMENT = "InvalidArgumentException"
    INVALID_REQUEST = "InvalidRequestException"
    LIMIT_EXCEEDED = "LimitExceededException"
    RESOURCE_IN_USE = "ResourceInUseException"
    RESOURCE_NOT_FOUND = "ResourceNotFoundException"
    TOO_MANY_TAGS = "TooManyTagsException"
    UNSUPPORTED_OPERATION = "UnsupportedOperationException"

    INTERNAL_FAILURE = "InternalFailure"
    SERIALIZATION = "SerializationException"
    SERVICE_UNAVAILABLE = "ServiceUnavailableException"
    THROTTLING = "ThrottlingException"
    UNKNOWN_OPERATION = "UnknownOperationException"
    VALIDATION = "ValidationException"

    @property
    def http_status(self) -> int:
        match self:
            case ErrorCode.INTERNAL_FAILURE:
                return 500
            case ErrorCode.SERVICE_UNAVAILABLE:
                return 503
            case _:
                return 400


class ApiError(Exception):
    """An error that the caller is to see."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
